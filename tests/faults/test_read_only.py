"""Data that nobody may write to: made before, they are read; without them one line says what is the matter."""

from __future__ import annotations

import pytest

from tests.faults.conftest import Note
from tests.faults.disturbed import Disturbed
from tests.faults.mounted import needs_mount, read_only

pytestmark = [pytest.mark.faults, pytest.mark.workflow]


@needs_mount
def test_data_cannot_be_written(study: Disturbed, note: Note) -> None:
    data = study.project.root / "data"
    data.mkdir()
    with read_only(data):
        study.begin()
        assert study.end() == 1
        assert "Traceback" not in study.printed
        seen = study.line("Read-only file system")
    study.begin()
    study.wait_for_work("/original/", 1.8)
    study.kill()
    with read_only(data):
        study.finish()
    note(study, "data cannot be written, before and after they are made", seen)
