"""Reproducible draws for layers that know only torch's global generators: dropout, stochastic depth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from reunlearn.base.hashing import full_digest


@contextmanager
def seeded(seed: int, *path: str | int, device: str | torch.device = "cpu") -> Iterator[None]:
    """Give a block its own global random state, on the CPU and on the device if that is a GPU.

    The state depends on `seed` and `path` alone; the caller's comes back as it was.

    Args:
        seed: of the job.
        path: what the block is, such as ("epoch", 3): blocks with different paths draw independently.
        device: where the block computes.
    """
    value = int(full_digest([seed, *path])[:16], 16)
    place = torch.device(device)
    gpus: list[int] = []
    if place.type == "cuda":
        gpus = [torch.cuda.current_device() if place.index is None else place.index]
    with torch.random.fork_rng(devices=gpus):
        # torch.manual_seed would also move the generators of GPUs that are not forked
        torch.default_generator.manual_seed(value)
        for number in gpus:
            torch.cuda.default_generators[number].manual_seed(value)
        yield
