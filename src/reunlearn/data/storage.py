"""Where images lie: copied to the device once, or on disk if the memory is too small."""

from __future__ import annotations

import mmap
import os
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from reunlearn.base.errors import UserError

LIMIT = "REUNLEARN_MEMORY_LIMIT"
SHARE = 0.5  # of the memory that is free: training needs some, and so do other jobs
CHUNK = 4096  # images copied at a time
CGROUPS = "sys/fs/cgroup"


def fits_in_memory(size: int) -> bool:
    """Tell whether so many bytes may be kept in memory.

    The limit is REUNLEARN_MEMORY_LIMIT in MiB if set, else half of what is free now.

    Raises:
        UserError: the variable is no number.
    """
    limit = os.environ.get(LIMIT)
    if limit is None:
        return size <= SHARE * available()
    try:
        return size <= float(limit) * 2**20
    except ValueError:
        raise UserError(f"{LIMIT} is '{limit}'; set it to a number of MiB, such as 4096") from None


def available(root: Path = Path("/")) -> int:
    """Return the bytes that are free: what the kernel says, or the limit of a batch system's job if that is less."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration):  # not Linux
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([free, *_job_limits(root)])


def _job_limits(root: Path) -> list[int]:
    try:
        groups = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    own = next((line.removeprefix("0::/") for line in groups if line.startswith("0::/")), "")
    folders = [root / CGROUPS / part for part in (Path(own), *Path(own).parents)]
    limits = [path.read_text().strip() for f in folders if (path := f / "memory.max").is_file()]
    return [int(limit) for limit in limits if limit != "max"]


def copied(x_NCHW: np.ndarray, rows: np.ndarray, device: str) -> Tensor:
    """Return these images on the device, channels last [B, H, W, C]; never holds a second copy of them all."""
    _, channels, height, width = x_NCHW.shape
    found_NHWC = np.empty((len(rows), height, width, channels), np.uint8)
    for begin in range(0, len(rows), CHUNK):
        chosen = slice(begin, begin + CHUNK)
        found_NHWC[chosen] = x_NCHW[rows[chosen]].transpose(0, 2, 3, 1)
    return torch.from_numpy(found_NHWC).to(device)


class MappedImages:
    """Some images of a memory-mapped file; stands for the tensor [N, H, W, C] where batches are drawn.

    What was read stays in memory only as long as the kernel has no better use for it.

    Args:
        x_NCHW: the mapped array, uint8.
        rows: which of its images these are, in this order.
        device: where batches go.
    """

    def __init__(self, x_NCHW: np.ndarray, rows: np.ndarray, device: str) -> None:
        self.x_NCHW, self.rows, self.device = x_NCHW, rows, torch.device(device)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """Return some images on the device [B, H, W, C]."""
        wanted_B = self.rows[rows if isinstance(rows, slice) else rows.cpu().numpy()]
        order_B = np.argsort(wanted_B, kind="stable")  # a disk is read forwards
        announce(self.x_NCHW, wanted_B[order_B])
        read_NHWC = self.x_NCHW[wanted_B[order_B]].transpose(0, 2, 3, 1)
        found_NHWC = torch.from_numpy(np.empty(read_NHWC.shape, np.uint8))
        if self.device.type == "cuda":
            found_NHWC = found_NHWC.pin_memory()
        found_NHWC.numpy()[order_B] = read_NHWC
        return found_NHWC.to(self.device, non_blocking=True)


def announce(x: np.ndarray, rows: np.ndarray) -> None:
    """Tell the kernel which rows of a mapped array come next; of any other array, do nothing.

    Without it the kernel reads three times as much around each of scattered rows, one row after the other.
    """
    if not isinstance(x, np.memmap) or not x.flags.c_contiguous or not hasattr(mmap, "MADV_WILLNEED"):
        return
    mapping: object = x.base
    if not isinstance(mapping, mmap.mmap):  # a part of a mapped array
        return
    row_bytes = x[:1].nbytes
    for begin in (x.offset % mmap.ALLOCATIONGRANULARITY + rows * row_bytes).tolist():
        page = begin - begin % mmap.PAGESIZE
        mapping.madvise(mmap.MADV_WILLNEED, page, begin + row_bytes - page)
