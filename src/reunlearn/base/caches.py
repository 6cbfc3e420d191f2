"""The project's own folder for caches, checkpoints and locks: nothing there is ever an input of a result."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from reunlearn.base.files import replacing

STATE = ".reunlearn"


def state_dir() -> Path:
    """Return the folder, made on first use where it can be."""
    path = Path(os.environ.get("REUNLEARN_STATE", STATE))
    with contextlib.suppress(OSError):
        path.mkdir(parents=True, exist_ok=True)
    return path


def write_cache(path: Path, text: str) -> None:
    """Write a file that can be made again at any time: where nothing can be written, it is made each time."""
    with contextlib.suppress(OSError), replacing(path, durable=False) as partial:
        partial.write_text(text, encoding="utf-8")
