"""The device of a job, prepared so that the same specification gives the same bits."""

from __future__ import annotations

import fcntl
import importlib
import os
import socket
import time
from typing import IO

import torch

from reunlearn.base.caches import state_dir
from reunlearn.base.errors import UserError
from reunlearn.study import asked
from reunlearn.training.allocator import keep_large_blocks

WAIT_SECONDS = 0.2  # between two looks for a free GPU
# what torch imports of itself when the first optimizer is made: that takes longer than training a small network, and
# would be counted as part of it
IMPORTED_LATE = "torch._dynamo"

# a GPU and an open, locked file: the lock ends with the process
_held_slot: tuple[str, IO[str]] | None = None


def prepare_torch(threads: int) -> str:
    """Set threads, determinism and allocation, import what torch would import later; return the device.

    Args:
        threads: of the CPU, in one operation.

    Returns:
        The device that DEVICE=auto|cpu|cuda chooses: "cpu", or "cuda:" and the number of a GPU that is free.

    Raises:
        UserError: DEVICE is none of the three, or cuda was asked for and there is none.
    """
    torch.set_num_threads(threads)
    importlib.import_module(IMPORTED_LATE)
    wanted = asked.device(os.environ.get("REUNLEARN_DEVICE"))
    keep_large_blocks()
    if wanted == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        if wanted == "cuda":
            raise UserError("DEVICE=cuda, but torch sees no GPU; use DEVICE=cpu or a CUDA build of torch")
        return "cpu"
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True)
    return f"cuda:{take_slot(gpu_names())}"


def gpu_memory() -> float:
    """Return the most memory that tensors of this process took on its GPU at one time, in MiB."""
    return round(torch.cuda.max_memory_allocated() / 2**20, 1)


def gpu_names() -> list[str]:
    """Return a name per visible GPU that no other GPU has: jobs see different ones under the same number."""
    properties = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [f"{socket.gethostname()}-{getattr(p, 'uuid', number)}" for number, p in enumerate(properties)]


def take_slot(names: list[str]) -> int:
    """Return the position of a GPU that no other process holds; wait for the first to be free if all are held.

    A process that runs several jobs, one after the other, keeps its own. Snakemake caps how many GPU jobs run at once
    but tells no job which GPU is its own.
    """
    global _held_slot
    if _held_slot is not None and _held_slot[0] in names:
        return names.index(_held_slot[0])
    while True:
        for number, name in enumerate(names):
            handle = (state_dir() / f"gpu-{name}.lock").open("w")
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                handle.close()
                continue
            _held_slot = (name, handle)
            return number
        time.sleep(WAIT_SECONDS)
