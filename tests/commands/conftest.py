"""A finished project as the working directory."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.study.plan import Plan
from tests.commands import made


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of a study whose every job is done."""
    monkeypatch.setenv("REUNLEARN_COMMIT", "0" * 40)
    return made.create(tmp_path / "project", monkeypatch)
