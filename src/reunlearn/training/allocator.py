"""How glibc hands out memory: large blocks are kept for the next use instead of being mapped anew at each call."""

from __future__ import annotations

import ctypes

TRIM_THRESHOLD, MMAP_MAX = -1, -4  # parameters of mallopt, in glibc's malloc.h
NEVER = 2**31 - 1


def keep_large_blocks() -> bool:
    """Let this process keep the memory that it frees; return False where the C library has no such choice.

    A training step frees and asks for the same few large tensors again and again. Mapped anew, each of their pages is
    zeroed by the kernel at its first touch. Where a tensor lies does not change what it holds: the bits are the same.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(MMAP_MAX, 0) and mallopt(TRIM_THRESHOLD, NEVER))
