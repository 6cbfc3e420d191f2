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

    Args:
        scores: one tensor per parameter.
        fraction: of all P entries, 0 to 1.
    """
    score_P = flatten(scores)
    order_P = torch.argsort(score_P, descending=True, stable=True)
    mask_P = torch.zeros_like(score_P, dtype=torch.bool)
    mask_P[order_P[: int(fraction * len(score_P))]] = True
    return unflatten(mask_P, scores)


def ratio_mask(
    numerators: Sequence[Tensor], denominators: Sequence[Tensor], threshold: float, floor: float = 1e-15
) -> list[Tensor]:
    """Return masks 1[(n + floor) / (d + floor) ≥ threshold]; where both are 0 the ratio is 1."""
    pairs = zip(numerators, denominators, strict=True)
    return [(n + floor) / (d + floor) >= threshold for n, d in pairs]
