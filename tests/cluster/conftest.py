"""A real Slurm on this machine, started and stopped by tests: root, Debian's packages, minutes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.slurm import Slurm
from tests.workflow.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.fixture
def slurm(project: Project, tmp_path: Path) -> Iterator[Slurm]:
    """A running Slurm."""
    slurm = Slurm(project, tmp_path / "cluster")
    try:
        slurm.start()
        yield slurm
    finally:
        slurm.stop()
