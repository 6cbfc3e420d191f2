"""What a benchmark ran on: facts that stand beside its figures."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import torch

from reunlearn.artifacts.record import processor
from reunlearn.training.precision import has_bfloat16

ROOT = Path(__file__).resolve().parent.parent
WRITTEN = ("benchmarks/history.jsonl", "docs/speed.md", "docs/speed.png")  # by the benchmarks themselves


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def commit() -> str:
    """Return the short commit, with a plus where tracked files differ from it; an empty text outside a repository."""
    known = _git("rev-parse", "--short=7", "HEAD")
    others = (".", *(f":!{name}" for name in WRITTEN))
    return known + "+" * bool(known and _git("status", "--porcelain", "--untracked-files=no", "--", *others))


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    except OSError:  # no git on this machine
        return ""
    return done.stdout.strip()


def facts() -> dict[str, str | int]:
    """Return the machine's facts, without its name; memory in GiB, load over the last minute."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": processor(),
        "cores": cores(),
        "memory GiB": round(memory / 2**30),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "bfloat16": "yes" if has_bfloat16(torch.device("cpu")) else "no",
        "load": f"{os.getloadavg()[0]:.1f}",
        "commit": commit(),
    }
