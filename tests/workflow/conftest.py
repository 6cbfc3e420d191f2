"""One finished project for all tests of a session, on all its workers: they copy it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.once import made_once
from tests.workflow.project import Project


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory, known_plugins: Path) -> Project:
    """A project whose study `tiny` has been run, report and tracking included. Copy it; never change it."""

    def make(folder: Path) -> None:
        ran = Project.create(folder / "project").executed()
        assert len(ran) == 21, sorted(ran)

    return Project(made_once(tmp_path_factory, "tiny", make) / "project")
