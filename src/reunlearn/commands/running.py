"""Which Snakemake runs in this folder now: so that the lock of one that was killed goes with the next run."""

from __future__ import annotations

import atexit
import fcntl
import os
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reunlearn.base.caches import state_dir

LOCKS = Path(".snakemake") / "locks"


@dataclass(frozen=True)
class Registered:
    """A process that said that it runs here.

    Attributes:
        path: of the file that says so.
        host: machine that it runs on.
        pid: on that machine.
        state: whether it still runs; of another machine nobody can tell.
    """

    path: Path
    host: str
    pid: str
    state: Literal["runs", "ended", "unknown"]


def registered() -> list[Registered]:
    """Return the processes that said that they run here."""
    folder = state_dir() / "running"
    return [_look(path) for path in sorted(folder.iterdir())] if folder.is_dir() else []


def _look(path: Path) -> Registered:
    host, _, pid = path.name.rpartition("-")
    if host != socket.gethostname():
        return Registered(path, host, pid, "unknown")
    try:
        with path.open("r+") as handle:  # held by the process as long as it lives
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return Registered(path, host, pid, "ended")
    except OSError:
        return Registered(path, host, pid, "runs")
    return Registered(path, host, pid, "ended")


def register() -> None:
    """Say that this process runs here, until it ends, however it ends; remove the locks that dead ones left."""
    folder = state_dir() / "running"
    mine = folder / f"{socket.gethostname()}-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        others = [other for other in registered() if other.path != mine]
        for other in others:
            if other.state == "ended":
                other.path.unlink(missing_ok=True)
        handle = mine.open("w")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # nothing can be written or locked here: nobody can tell who runs
        return
    atexit.register(mine.unlink, missing_ok=True)
    _HELD.append(handle)
    left = list(LOCKS.glob("*")) if all(other.state == "ended" for other in others) else []
    for lock in left:
        lock.unlink(missing_ok=True)
    if left:
        print("removed the lock of a run that was killed", file=sys.stderr)


_HELD: list[object] = []  # the operating system gives the lock back when this process ends
