"""Samples in batches: what a reference is given of a set."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Batch = tuple[Tensor, Tensor]  # inputs [B, ...], labels [B]


def batches_of(samples: Batch, batch_size: int) -> list[Batch]:
    """Return consecutive batches in the given order; the last one may be short."""
    x, y = samples
    return [(x[i : i + batch_size], y[i : i + batch_size]) for i in range(0, len(y), batch_size)]


def joined(batches: Sequence[Batch]) -> Batch:
    """Return all batches as one, in their order."""
    return torch.cat([x for x, _ in batches]), torch.cat([y for _, y in batches])
