"""Folders of finished jobs, written without running them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reunlearn.base.files import write_json
from reunlearn.base.hashing import full_digest
from reunlearn.measures.registry import Measured
from reunlearn.stages import measure
from reunlearn.study import paths

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def finish(folder: str, stage: str, *, seconds: float, start_up: float = 0.1, **facts: Any) -> str:
    """Write specification, record and manifest of a job; return its folder.

    Args:
        folder: of the job.
        stage: name.
        seconds: of its work.
        start_up: seconds before it.
        facts: entries of the record, instead of or besides the usual ones.
    """
    record = {
        "seconds": {"run": seconds, "total": seconds + start_up},
        "peak_memory_mib": 410.2,
        "device": "cpu",
        "processor": "A processor",
        "threads": 1,
        "versions": {"python": "3.11.2", "torch": "2.13.0", "numpy": "2.4.6"},
        "git": {"commit": COMMIT, "dirty": False},
        "host": "here",
        "finished": "2026-11-21T08:00:00+00:00",
        "command": ["reunlearn", stage],
        **facts,
    }
    manifest = {"format": 1, "specification": full_digest(folder), "code": "code"}
    write_json(Path(folder) / paths.SPECIFICATION, {"stage": stage})
    write_json(Path(folder) / paths.RECORD, record)
    write_json(Path(folder) / paths.MANIFEST, {**manifest, "inputs": {}, "outputs": {}})
    return folder


def finish_measure(folder: str, measured: Measured, **facts: Any) -> str:
    """Write the folder of a measurement; return it."""
    measure.write(Path(folder), measured)
    return finish(folder, "measure", seconds=0.01, **{"status": measured.status, **measured.facts, **facts})
