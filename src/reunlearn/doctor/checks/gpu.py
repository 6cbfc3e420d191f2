"""The GPU, and whether the installed torch can use it. Reads torch's version file: importing torch takes seconds."""

from __future__ import annotations

import re
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from reunlearn.base.gpu import has_gpu
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=30, title="GPU")
QUERY = ["nvidia-smi", "--query-gpu=name,memory.free,memory.total", "--format=csv,noheader"]


def look(asked: Asked) -> Found:
    """Say what GPU is here and what torch was built for."""
    try:
        torch, cuda = f"torch {distribution('torch').version}", built_for(version_file())
    except (PackageNotFoundError, OSError):
        yield "problem", "torch is not installed", "pip install -r requirements.lock"
        return
    build = f"{torch}, built for CUDA {cuda}" if cuda else f"{torch}, a build for CPUs"
    if not has_gpu():
        yield "ok", f"no NVIDIA GPU here; {build}: DEVICE=auto means the CPU", ""
        return
    try:
        done = subprocess.run(QUERY, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        yield (
            "problem",
            f"there is an NVIDIA GPU, but nvidia-smi does not answer: {error}",
            "see the driver; DEVICE=cpu",
        )
        return
    if done.returncode:
        reason = done.stdout.strip() or done.stderr.strip()
        yield "problem", f"nvidia-smi fails: {reason}", "mend the NVIDIA driver, or say DEVICE=cpu"
    elif cuda:
        yield "ok", f"{'; '.join(done.stdout.strip().splitlines())} MiB in all; {build}", ""
    else:
        yield (
            "warning",
            f"{done.stdout.strip().splitlines()[0]}, but {build}",
            (
                "install torch's CUDA build of the same version (pytorch.org says how); until then jobs use the CPU"
            ),
        )


def version_file() -> str:
    """Return the text of torch's version file.

    Raises:
        OSError: it is not there.
    """
    spec = find_spec("torch")
    places = (spec.submodule_search_locations if spec else None) or []
    return (Path(next(iter(places), "torch")) / "version.py").read_text(encoding="utf-8")


def built_for(text: str) -> str | None:
    """Return the CUDA version that torch was built for, as its version file says; None for a build for CPUs."""
    found = re.search(r"^cuda(?::[^=]*)?\s*=\s*['\"]([\d.]+)['\"]", text, re.MULTILINE)
    return found[1] if found else None
