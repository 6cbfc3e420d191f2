"""Inputs moved a little, in the space of their pixels, so that a network errs on them."""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 255


@torch.no_grad()
def fast_gradient_sign(
    x: Tensor, slope: Tensor, mean: Tensor, std: Tensor, bound: float, whole: bool
) -> Tensor:
    """Return images moved by `bound` along the sign of a slope: FGSM (Goodfellow et al. 2015), shaped as x.

    In pixels q = std · x + mean:  q ← round(255 · clip(q + bound · sign(slope), 0, 1)) / 255

    Args:
        x: normalised images [B, C, H, W].
        slope: gradient by x of the loss to be raised.
        mean, std: [C], float64, that lead to pixels.
        bound: in units of the pixel range 0 … 1.
        whole: the pixels of x are whole levels of 1/255, so that what float arithmetic added to them is taken off
            first. A bound of 0.1 is 25.5 levels: noise would decide to which side each pixel is rounded. Without it
            halves go to the even level.
    """
    shape = (-1, *[1] * (x.dim() - 2))
    mean, std = mean.view(shape), std.view(shape)
    levels = LEVELS * (x.double() * std + mean)
    if whole:
        levels = levels.round()
    moved = (levels + LEVELS * bound * slope.sign().double()).clamp(0, LEVELS).round() / LEVELS
    return ((moved - mean) / std).to(x.dtype)
