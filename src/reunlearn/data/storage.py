"""Where images are stored: copied to the device once, or left on disk if the memory is too small."""

from __future__ import annotations

import mmap
import os

import numpy as np
import torch
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.base.memory import available

LIMIT = "REUNLEARN_MEMORY_LIMIT"
SHARE = 0.5  # of the memory that is free: training needs some, and so do other jobs
CHUNK = 4096  # images copied at a time


def fits_in_memory(size: int) -> bool:
    """Tell whether this number of bytes may be kept in memory.

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


def copied(x_NCHW: np.ndarray, rows: np.ndarray, device: str) -> Tensor:
    """Return these images on the device, channels last [N, H, W, C]; copied in chunks, to need no more memory."""
    _, channels, height, width = x_NCHW.shape
    images_NHWC = np.empty((len(rows), height, width, channels), np.uint8)
    for begin in range(0, len(rows), CHUNK):
        chosen = slice(begin, begin + CHUNK)
        images_NHWC[chosen] = x_NCHW[rows[chosen]].transpose(0, 2, 3, 1)
    return torch.from_numpy(images_NHWC).to(device)


class MappedImages:
    """Some images of a memory-mapped file, which are indexed like a tensor [N, H, W, C].

    What was read stays in memory only until the kernel needs the memory.

    Args:
        x_NCHW: the mapped array, uint8.
        rows: which of its images belong to the set, in this order.
        device: where the batches are put.
    """

    def __init__(self, x_NCHW: np.ndarray, rows: np.ndarray, device: str) -> None:
        self.x_NCHW, self.rows, self.device = x_NCHW, rows, torch.device(device)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """Return some images on the device [B, H, W, C]."""
        places_B = self.rows[rows if isinstance(rows, slice) else rows.cpu().numpy()]
        order_B = np.argsort(places_B, kind="stable")  # to read the disk forwards
        announce(self.x_NCHW, places_B[order_B])
        read_NHWC = self.x_NCHW[places_B[order_B]].transpose(0, 2, 3, 1)
        images_NHWC = torch.from_numpy(np.empty(read_NHWC.shape, np.uint8))
        if self.device.type == "cuda":
            images_NHWC = images_NHWC.pin_memory()
        images_NHWC.numpy()[order_B] = read_NHWC
        return images_NHWC.to(self.device, non_blocking=True)


def announce(x: np.ndarray, rows: np.ndarray) -> None:
    """Tell the kernel which rows of a mapped array will be read next; do nothing for any other array.

    Without this the kernel reads scattered rows one after the other, and three times as many bytes for each.
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
