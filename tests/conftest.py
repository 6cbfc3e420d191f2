"""What all tests share: a project copy in which studies can really be run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# before numpy and torch are imported: tests run side by side, and more threads than cores wait longer than they work
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _private_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep caches out of the project folder, and the folder as the working directory."""
    monkeypatch.setenv("REUNLEARN_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("REUNLEARN_WORKER", raising=False)
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)
