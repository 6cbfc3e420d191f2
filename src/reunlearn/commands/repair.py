"""Before jobs run: what cannot be read is named and set aside, and dates in the future are set to now."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.artifacts.soundness import unreadable
from reunlearn.base.set_aside import SetAside
from reunlearn.commands.inspection import States
from reunlearn.study import paths


def repair(states: States) -> list[str]:
    """Set aside what cannot be read, undo dates in the future; return one line per file that was moved."""
    aside, lines = SetAside(), []
    for folder, state in states.items():
        for name in unreadable(Path(folder)) if state.problems else ():
            aside.move([Path(folder) / name])
            lines.append(f"{folder}/{name} cannot be read: set aside in {aside.place}, made again")
        _undate(Path(folder))
    return lines


def _undate(folder: Path) -> None:
    """Set dates in the future to now: Snakemake calls whatever is made from such files too old, and removes it."""
    manifest = read_manifest(folder)
    outputs = manifest.outputs if manifest else {}
    now = time.time()
    for name in (*outputs, paths.MANIFEST, paths.RECORD):
        path = folder / name
        with contextlib.suppress(OSError):
            if path.stat().st_mtime > now:
                os.utime(path)
