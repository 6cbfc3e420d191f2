"""Masks that say which weights unlearning may move: boolean tensors, one per parameter."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from reunlearn.gradients.flat import clipped, flatten, gradients, unflatten


def summed_gradients(
    losses: Iterable[Tensor], parameters: Sequence[Tensor], clip: float = 0.0
) -> list[Tensor]:
    """Return Σ_b ∂ℓ_b/∂θ over the batches' losses, shaped as the parameters; `clip`: largest norm of a batch's."""
    total = [torch.zeros_like(p) for p in parameters]
    for loss in losses:
        for accumulated, gradient in zip(total, clipped(gradients(loss, parameters), clip), strict=True):
            accumulated += gradient
    return total


def top_fraction(scores: Sequence[Tensor], fraction: float) -> list[Tensor]:
    """Return masks of the ⌊fraction · P⌋ highest scores of all tensors together; of equal scores the earlier is taken.

    A score that is not a number counts as higher than all others.

    Args:
        scores: one tensor per parameter.
        fraction: of all P entries, 0 to 1.
    """
    score_P = flatten(scores)
    count = int(fraction * len(score_P))
    if count == 0:
        return unflatten(torch.zeros_like(score_P, dtype=torch.bool), scores)
    lowest = _highest(score_P, count)
    equal_P = score_P.isnan() if lowest.isnan() else score_P == lowest
    mask_P = torch.zeros_like(equal_P) if lowest.isnan() else (score_P > lowest) | score_P.isnan()
    mask_P[equal_P.nonzero()[: count - int(mask_P.sum()), 0]] = True
    return unflatten(mask_P, scores)


def _highest(score_P: Tensor, rank: int) -> Tensor:
    """Return the score of this rank, 1 for the highest: selected where that is deterministic, on GPUs sorted out."""
    if score_P.is_cuda:
        return score_P.sort(descending=True).values[rank - 1]
    return score_P.kthvalue(len(score_P) - rank + 1).values


def ratio_mask(
    numerators: Sequence[Tensor], denominators: Sequence[Tensor], threshold: float, floor: float = 1e-15
) -> list[Tensor]:
    """Return masks 1[(n + floor) / (d + floor) ≥ threshold]; where both are 0 the ratio is 1."""
    pairs = zip(numerators, denominators, strict=True)
    return [(n + floor) / (d + floor) >= threshold for n, d in pairs]
