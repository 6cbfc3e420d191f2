"""record.json: provenance of one job. Read by aggregate and track only; never an input that triggers."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from reunlearn.base.files import read_json, write_json
from reunlearn.base.secrets import without_secrets
from reunlearn.study.paths import RECORD

PACKAGES = ("torch", "numpy", "scikit-learn", "xgboost-cpu", "safetensors", "reunlearn")


class Git(BaseModel):
    """The commit, and whether tracked files differed from it; None outside a repository."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    commit: str | None
    dirty: bool | None


class Record(BaseModel):
    """Provenance of a job. A stage may add facts of its own.

    Attributes:
        seconds: by section.
        cpu_seconds: that processors worked in this process: for the stage (`total`), and `before` it, for checking what
            it reads and for imports. Without what an interrupted run spent.
        peak_memory_mib: None where it is not known.
        precision: full or mixed, of what trained or unlearned.
        engine: how the steps of a training or a method were computed; engine_reason: why not by the one that was
            wanted.
        deterministic: on a GPU, whether it was to compute the same bits each time.
        gpu_jobs: how many jobs may have shared the GPU.
        status: finished or diverged, of models and what is measured on them.
        drawn: samples that a method really drew, by set.
        scores: means over forget and retain, of a split that chose by a score.
        replayed: distance of the replayed training's end from the original, where it missed it.
    """

    model_config = ConfigDict(frozen=True, extra="allow", defer_build=True)

    seconds: dict[str, float]
    cpu_seconds: dict[str, float] | None = None
    peak_memory_mib: float | None
    peak_gpu_memory_mib: float | None = None
    device: str
    processor: str
    threads: int
    versions: dict[str, str]
    git: Git
    host: str
    finished: str
    command: list[str]
    precision: str | None = None
    engine: str | None = None
    engine_reason: str | None = None
    deterministic: bool | None = None
    gpu_jobs: int | None = None
    status: str | None = None
    drawn: dict[str, int] | None = None
    scores: dict[str, float] | None = None
    replayed: float | None = None


@functools.cache
def versions() -> dict[str, str]:
    """Return the versions of what can change a result."""
    known = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            known[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return known


@functools.cache
def git_state(root: str = ".") -> dict[str, Any]:
    """Return the commit and whether tracked files differ from it; None outside a repository."""
    if "REUNLEARN_COMMIT" in os.environ:  # set once by the workflow: asking git costs more than a short job
        known, _, dirty = os.environ["REUNLEARN_COMMIT"].partition("+")
        return {"commit": known or None, "dirty": dirty == "dirty" if known else None}

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", root, *words], capture_output=True, text=True, check=False)
        except OSError:  # no git on this machine
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    status = ask("status", "--porcelain", "--untracked-files=no") if commit else None
    return {"commit": commit, "dirty": bool(status) if status is not None else None}


def write_record(
    folder: Path,
    *,
    seconds: dict[str, float],
    peak_memory_mib: float | None,
    device: str,
    threads: int,
    facts: dict[str, Any],
) -> None:
    """Write the provenance of a finished job; `facts`: what its stage adds."""
    content = {
        "seconds": {name: round(value, 6) for name, value in seconds.items()},
        "peak_memory_mib": peak_memory_mib,
        "device": device,
        "processor": processor(),
        "threads": threads,
        "versions": versions(),
        "git": git_state(),
        "host": socket.gethostname(),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": [without_secrets(word) for word in (Path(sys.argv[0]).name, *sys.argv[1:])],
        **facts,
    }
    write_json(folder / RECORD, content)


def read_record(folder: Path) -> Record | None:
    """Return a folder's record; None if there is none or it cannot be read as one."""
    try:
        return Record.model_validate(read_json(folder / RECORD))
    except (OSError, ValueError, ValidationError):
        return None


@functools.cache
def processor() -> str:
    """Return the processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
