"""Which Snakemake runs in this folder now: so that the lock of one that was killed goes with the next run."""

from __future__ import annotations

import atexit
import fcntl
import os
import socket
import sys
from pathlib import Path

from reunlearn.base.caches import state_dir

LOCKS = Path(".snakemake") / "locks"


def register() -> None:
    """Say that this process runs here, until it ends, however it ends; remove the locks that dead ones left."""
    folder = state_dir() / "running"
    mine = folder / f"{socket.gethostname()}-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = any([not _is_dead(path) for path in sorted(folder.iterdir()) if path != mine])
        handle = mine.open("w")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # nothing can be written or locked here: nobody can tell who runs
        return
    atexit.register(mine.unlink, missing_ok=True)
    _HELD.append(handle)
    left = list(LOCKS.glob("*")) if not others else []
    for lock in left:
        lock.unlink(missing_ok=True)
    if left:
        print("removed the lock of a run that was killed", file=sys.stderr)


_HELD: list[object] = []  # the operating system gives the lock back when this process ends


def _is_dead(path: Path) -> bool:
    """Tell whether a process of this machine has ended, and forget it; of another machine that is not known."""
    if path.name.rpartition("-")[0] != socket.gethostname():
        return False
    try:
        with path.open("r+") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            path.unlink(missing_ok=True)
            return True
    except FileNotFoundError:
        return True
    except OSError:
        return False
