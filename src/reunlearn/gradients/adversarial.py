"""Inputs moved a little, in the space of their pixels, so that a network errs on them."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 255


@torch.no_grad()
def fast_gradient_sign(
    x: Tensor, slope: Tensor, mean: Tensor, std: Tensor, bound: float, *, whole: bool
) -> Tensor:
    """Return images moved by `bound` along the sign of a slope: FGSM (Goodfellow et al. 2015), shaped as x.

    In pixels q = std · x + mean:  q ← round(255 · clip(q + bound · sign(slope), 0, 1)) / 255

    Pixels are computed in the precision of x, in this order, as the released codes of Boundary unlearning do. That
    counts: a bound of 0.1 is 25.5 levels of 1/255, and how q + 0.1 is rounded decides which level is the nearest.

    Args:
        x: normalised images [B, C, H, W].
        slope: gradient by x of the loss to be raised.
        mean, std: [C], float64, that lead to pixels.
        bound: in units of the pixel range 0 … 1.
        whole: the pixels of x are whole levels u; q is then u / 255 and free of what normalising and back added.
    """
    shape = (-1, *[1] * (x.dim() - 2))
    mean, std = mean.view(shape), std.view(shape)
    levels = (LEVELS * (x.double() * std + mean)).round().to(x.dtype) if whole else None
    mean, std = mean.to(x.dtype), std.to(x.dtype)
    q = x * std + mean if levels is None else levels / LEVELS
    moved = (q + bound * slope.sign()).clamp(0, 1)
    return ((moved * LEVELS).round() / LEVELS - mean) / std
