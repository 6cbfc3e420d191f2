"""The device of a job, prepared so that the same specification gives the same bits."""

from __future__ import annotations

import fcntl
import os
from typing import IO

import torch

from reunlearn.study.errors import UserError
from reunlearn.study.paths import state_dir

_held_slot: IO[str] | None = None  # an open, locked file: the lock ends with the process


def prepare_torch(threads: int) -> str:
    """Set threads and determinism; return the device that DEVICE=auto|cpu|cuda chooses.

    Raises:
        UserError: cuda was asked for and there is none.
    """
    torch.set_num_threads(threads)
    wanted = os.environ.get("REUNLEARN_DEVICE", "auto")
    if wanted not in ("auto", "cpu", "cuda"):
        raise UserError(f"DEVICE is '{wanted}'; choose auto, cpu or cuda")
    if wanted == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        if wanted == "cuda":
            raise UserError("DEVICE=cuda, but torch sees no GPU; use DEVICE=cpu or install a CUDA build of torch")
        return "cpu"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    return f"cuda:{take_slot(torch.cuda.device_count())}"


def take_slot(count: int) -> int:
    """Return the number of a GPU that no other job of this machine holds; wait for the first one if all are held.

    Snakemake caps how many GPU jobs run at once but tells no job which GPU is its own.
    """
    global _held_slot
    folder = state_dir()
    for number in range(count):
        handle = (folder / f"gpu{number}.lock").open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            continue
        _held_slot = handle
        return number
    handle = (folder / "gpu0.lock").open("w")
    fcntl.flock(handle, fcntl.LOCK_EX)
    _held_slot = handle
    return 0
