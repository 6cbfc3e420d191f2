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

DEVICE = "REUNLEARN_DEVICE"
DETERMINISTIC = "REUNLEARN_DETERMINISTIC"
GPU_JOBS = "REUNLEARN_GPU_JOBS"
WAIT_SECONDS = 0.2  # between two looks for a free GPU
# what torch imports of itself when the first optimizer is made: that takes longer than training a small network, and
# would be counted as part of it
IMPORTED_LATE = "torch._dynamo"

# the name of a GPU and an open, locked file: the lock ends with the process
_held_slot: tuple[str, IO[str]] | None = None


def prepare_torch(threads: int) -> str:
    """Set threads, determinism and allocation, import what torch would import later; return the device.

    Args:
        threads: of the CPU, in one operation.

    Returns:
        The device that DEVICE=auto|cpu|cuda chooses: "cpu", or "cuda:" and the number of a GPU that has a free slot.

    Raises:
        UserError: DEVICE, DETERMINISTIC or GPU_JOBS is none of its choices, or cuda was asked for and there is none.
    """
    torch.set_num_threads(threads)
    importlib.import_module(IMPORTED_LATE)
    wanted = asked.device(os.environ.get(DEVICE))
    deterministic = asked.deterministic(os.environ.get(DETERMINISTIC))
    slots = asked.gpu_jobs(os.environ.get(GPU_JOBS))
    keep_large_blocks()
    if wanted == "cpu":
        return "cpu"
    if not torch.cuda.is_available():
        if wanted == "cuda":
            raise UserError("DEVICE=cuda, but torch sees no GPU; use DEVICE=cpu or a CUDA build of torch")
        return "cpu"
    set_determinism(deterministic)
    return f"cuda:{take_slot(gpu_names(), slots)}"


def set_determinism(wanted: bool) -> None:
    """Let a GPU compute the same bits each time, or choose its algorithms by their speed alone."""
    if wanted:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.backends.cudnn.benchmark = not wanted
    torch.use_deterministic_algorithms(wanted)
    # torch would also fill each tensor that it makes; nothing here reads what was never written
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


def gpu_facts(device: str) -> dict[str, object]:
    """Return what a record says of a job on a GPU: the most memory of its tensors in MiB, and how it shared it."""
    return {
        "peak_gpu_memory_mib": round(torch.cuda.max_memory_allocated(device) / 2**20, 1),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "gpu_jobs": asked.gpu_jobs(os.environ.get(GPU_JOBS)),
    }


def gpu_names() -> list[str]:
    """Return a name per visible GPU that no other GPU has: jobs see different ones under the same number."""
    properties = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [f"{socket.gethostname()}-{getattr(p, 'uuid', number)}" for number, p in enumerate(properties)]


def take_slot(names: list[str], slots: int = 1) -> int:
    """Return the position of a GPU with a slot that no other process holds; wait for the first if all are held.

    Jobs spread over the GPUs before two share one. A process that runs several jobs, one after the other, keeps its
    own. Snakemake caps how many GPU jobs run at once but tells no job which GPU is its own.

    Args:
        names: of the GPUs.
        slots: jobs that may compute on one GPU at a time.
    """
    global _held_slot
    if _held_slot is not None and _held_slot[0] in names:
        return names.index(_held_slot[0])
    while True:
        for slot in range(slots):
            for number, name in enumerate(names):
                handle = _locked(f"gpu-{name}.{slot}.lock")
                if handle is not None:
                    _held_slot = (name, handle)
                    return number
        time.sleep(WAIT_SECONDS)


def _locked(file: str) -> IO[str] | None:
    """Return an open file that this process alone has locked; None if another one has."""
    handle = (state_dir() / file).open("w")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.close()
        return None
    return handle
