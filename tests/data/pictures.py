"""Images to augment, and the statistics that compare augmented ones."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def seeded(seed: int = 0) -> torch.Generator:
    """Return a generator."""
    return torch.Generator().manual_seed(seed)


def noise(count: int, size: int = 32, channels: int = 3) -> Tensor:
    """Return images of independent pixels [N, H, W, C]."""
    shape = (count, size, size, channels)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=seeded(9))


def smooth(count: int, size: int = 32, channels: int = 3) -> Tensor:
    """Return images whose pixels resemble their neighbours, with flat black and white parts [N, H, W, C]."""
    coarse = torch.rand(count, channels, size // 8, size // 8, generator=seeded(9))
    fine = functional.interpolate(coarse, size=(size, size), mode="bicubic")
    return ((fine - 0.1) * 1.25 * 255).clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def per_image(x_NHWC: Tensor) -> list[Tensor]:
    """Return the images one by one, as torchvision takes them [C, H, W]."""
    return [image.contiguous() for image in x_NHWC.permute(0, 3, 1, 2)]


def is_chance(statistic: float, freedom: int) -> bool:
    """Tell whether a chi-square statistic is within four standard deviations of its mean."""
    return abs(statistic - freedom) < 4 * math.sqrt(2 * freedom)


def chi_square(counts: Tensor, expected: Tensor) -> float:
    """Return how far counts are from expected ones."""
    return float(((counts - expected) ** 2 / expected).sum())


def scores(ours: Tensor, theirs: Tensor) -> Tensor:
    """Return of every position the difference of two means over draws, in standard errors: [draws, …] each."""
    first, second = ours.double(), theirs.double()
    error = (first.var(0) / len(first) + second.var(0) / len(second)).sqrt()
    moving = error > 0
    assert torch.equal(first.mean(0)[~moving], second.mean(0)[~moving])
    return (first.mean(0) - second.mean(0))[moving] / error[moving]
