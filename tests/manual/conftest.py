"""One usable project in which `quickstart` is finished, for all tests of a session: pages run in copies of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.manual.place import make_usable, place, small_quickstart
from tests.once import made_once
from tests.workflow.conftest import tiny as tiny
from tests.workflow.project import Project


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny: Project) -> Project:
    """The project. Copy it; never change it."""

    def make(folder: Path) -> None:
        project = tiny.copy(folder / "project")
        make_usable(project)
        small_quickstart(project)
        project.snakemake(study="quickstart")

    return Project(made_once(tmp_path_factory, "manual", make) / "project")


@pytest.fixture
def copied(finished: Project, tmp_path: Path) -> Callable[[], Project]:
    """Copy it."""

    def copy() -> Project:
        project = Project(tmp_path / "project")
        shutil.copytree(finished.root, project.root, copy_function=shutil.copy2)
        place(project)
        return project

    return copy
