"""One finished project for all tests of a session, on all its workers: they copy it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tests.workflow.project import Project


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, known_plugins: Path) -> Project:
    """A project whose study `tiny` has been run, report and tracking included. Copy it; never change it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "tiny"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            ran = Project.create(folder / "project").executed()
            assert len(ran) == 21, sorted(ran)
            (folder / "done").touch()
    return Project(folder / "project")
