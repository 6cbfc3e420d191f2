"""The labels of a set, and the positions of the first samples of each class."""

from __future__ import annotations

import torch
from torch import Tensor

from reunlearn.unlearning.task import GuardedSet


def labels_in(samples: GuardedSet) -> Tensor:
    """Return the labels [N] of a declared set, in the order of the set; every sample counts as drawn."""
    return torch.cat([batch.y for batch in samples.batches(samples.large_batch, shuffle=False)])


def first_of_each(labels_N: Tensor, count: int) -> Tensor:
    """Return the positions, ascending, of the first `count` entries of each label."""
    order_N = labels_N.argsort(stable=True)
    sorted_N = labels_N[order_N].contiguous()
    rank_N = torch.arange(len(labels_N), device=labels_N.device) - torch.searchsorted(sorted_N, sorted_N)
    return order_N[rank_N < count].sort().values
