"""record.json: provenance of one job. Read by aggregate and track only; never an input that triggers."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reunlearn.base.files import write_json
from reunlearn.base.hashing import sha256
from reunlearn.study.paths import MANIFEST, RECORD

PACKAGES = ("torch", "numpy", "scikit-learn", "xgboost-cpu", "safetensors", "reunlearn")


class Stopwatch:
    """Seconds of a job, split into named sections such as set-up, compile and run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Add the block's wall-clock seconds to a section."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of what can change a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@functools.cache
def git_state(root: str = ".") -> dict[str, Any]:
    """Return the commit and whether tracked files differ from it; None outside a repository."""
    if "REUNLEARN_COMMIT" in os.environ:  # set once by the workflow: asking git costs more than a short job
        known, _, dirty = os.environ["REUNLEARN_COMMIT"].partition("+")
        return {"commit": known or None, "dirty": dirty == "dirty" if known else None}

    def ask(*words: str) -> str | None:
        done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    status = ask("status", "--porcelain", "--untracked-files=no") if commit else None
    return {"commit": commit, "dirty": bool(status) if status is not None else None}


def write_record(
    folder: Path, stopwatch: Stopwatch, inputs: list[str], device: str, threads: int, **more: Any
) -> None:
    """Write the provenance of a finished job."""
    manifests = {f: sha256(Path(f) / MANIFEST) for f in inputs if (Path(f) / MANIFEST).exists()}
    content = {
        "inputs": manifests,
        "seconds": {name: round(value, 6) for name, value in stopwatch.seconds.items()},
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "device": device,
        "processor": processor(),
        "threads": threads,
        "versions": versions(),
        "git": git_state(),
        "host": socket.gethostname(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        **more,
    }
    write_json(folder / RECORD, content)


@functools.cache
def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
