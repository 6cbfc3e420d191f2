"""What methods, attacks, networks, datasets, tables and figures exist, known without importing torch.

The registries are imported once per state of the sources, in a subprocess, and the answer is kept as JSON in
the project's cache folder.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from reunlearn.base.caches import state_dir, write_cache
from reunlearn.base.errors import UserError

if TYPE_CHECKING:
    from reunlearn.study.cards import Catalogue

PACKAGE = Path(__file__).resolve().parent.parent
KINDS = {
    "methods": "unlearning/methods",
    "attacks": "attacks",
    "measures": "measures",
    "models": "models",
    "datasets": "data/sets",
    "objectives": "objectives",
    "states": "training/state",
    "tables": "reporting/tables",
    "figures": "reporting/figures",
}

SOURCES = (
    "unlearning",
    "attacks",
    "measures",
    "models",
    "data",
    "base",
    "artifacts",
    "storage",
    "study",
    "objectives",
    "training",
    "reporting",
)


def source_state(folders: tuple[str, ...] = ("",)) -> str:
    """Return a digest of the path, size and time of every source file: cheap, for caches only."""
    entries = sorted(entry for folder in folders for entry in _entries(str(PACKAGE / folder)))
    return hashlib.sha256("\n".join(entries).encode()).hexdigest()


def _entries(folder: str) -> Iterator[str]:
    """Yield path, size and time of each source below a folder: the worker asks before each job, so without Path."""
    with os.scandir(folder) as found:
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                if entry.name != "__pycache__":
                    yield from _entries(entry.path)
            elif entry.name.endswith(".py"):
                status = entry.stat()
                yield f"{entry.path}:{status.st_size}:{status.st_mtime_ns}"


def plugin_names(kind: str) -> list[str]:
    """Return the names of the plugins of one kind: the names of their files."""
    folder = PACKAGE / KINDS[kind]
    return sorted(p.stem for p in folder.glob("*.py") if not p.stem.startswith("_") and p.stem != "registry")


@functools.cache
def catalogue() -> Catalogue:
    """Return the cards of all plugins."""
    from reunlearn.study.cards import Catalogue  # names of plugins need none, and a shell wants them at once

    key = source_state(SOURCES)[:16]
    cache = state_dir() / f"catalogue-{key}.json"
    with contextlib.suppress(OSError, ValueError):  # absent, or broken: only a cache
        return Catalogue.model_validate_json(cache.read_text(encoding="utf-8"))
    done = subprocess.run(
        [sys.executable, "-m", "reunlearn.study.describe"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise UserError(f"a plugin cannot be imported: {last} (python -m reunlearn.study.describe shows all)")
    cards = Catalogue.model_validate_json(done.stdout)
    for old in cache.parent.glob("catalogue-*.json"):
        with contextlib.suppress(OSError):
            old.unlink(missing_ok=True)
    write_cache(cache, done.stdout)
    return cards
