"""Arrays of any size written block by block as .npy files, with the same bytes as numpy.save.

Blocks go through ordinary writes, not through a memory map: on a full disk a write raises OSError, whereas
touching a mapped page kills the process.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.base.files import replacing

BLOCK = 32 << 20  # bytes


def write_npy(path: Path, shape: tuple[int, ...], dtype: Any, blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Write blocks [n, *shape[1:]] one after the other; return the whole array, memory-mapped and read-only.

    Raises:
        ValueError: the blocks do not add up to the shape.
        OSError: the disk is full.
    """
    kind = np.dtype(dtype)
    header = {"descr": np.lib.format.dtype_to_descr(kind), "fortran_order": False, "shape": shape}
    with replacing(path) as partial:
        with partial.open("wb") as handle:
            np.lib.format.write_array_header_1_0(handle, header)
            begin = handle.tell()
            for block in blocks:
                handle.write(np.ascontiguousarray(block, dtype=kind).data)
            written, wanted = handle.tell() - begin, math.prod(shape) * kind.itemsize
        if written != wanted:
            raise ValueError(f"{path.name}: {written} bytes instead of {wanted}")
    return np.load(path, mmap_mode="r", allow_pickle=False)


def rows_per_block(shape: tuple[int, ...], itemsize: int = 1) -> int:
    """Return how many rows of an array of this shape make a block: about 32 MiB, at most 1024 rows."""
    return max(1, min(1024, BLOCK // max(1, math.prod(shape[1:]) * itemsize)))


def in_blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield an array's rows in blocks."""
    size = rows_per_block(array.shape, array.itemsize)
    for begin in range(0, len(array), size):
        yield array[begin : begin + size]
