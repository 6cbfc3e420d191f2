"""FGSM in pixel space against whole-number arithmetic, pixel by pixel."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from reunlearn.gradients.adversarial import fast_gradient_sign

MEAN = torch.tensor([0.4, 0.6], dtype=torch.float64)
STD = torch.tensor([0.2, 0.3], dtype=torch.float64)


def normalised(levels: Tensor) -> Tensor:
    return (levels.double() / 255 - MEAN.view(1, 2, 1, 1)) / STD.view(1, 2, 1, 1)


def images() -> Tensor:
    levels = torch.randint(0, 256, (3, 2, 5, 5), generator=torch.Generator().manual_seed(0))
    levels[0, 0, 0] = torch.tensor([0, 10, 128, 250, 255])  # some are clipped on either side
    return levels


def slow(levels: Tensor, slope: Tensor, bound: float) -> Tensor:
    """Return the levels after the step; Python rounds halves to even, as torch does."""
    moved = levels.clone()
    for place in range(levels.numel()):
        s = slope.flatten()[place].item()
        step = 255 * bound * ((s > 0) - (s < 0))
        moved.view(-1)[place] = round(min(255.0, max(0.0, levels.flatten()[place].item() + step)))
    return moved


@pytest.mark.parametrize("bound", [0.0, 0.03, 0.1, 1.0])
def test_equals_arithmetic_in_levels(bound: float) -> None:
    levels = images()
    slope = torch.randn(levels.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    slope[0, 0, 0, 0] = 0.0
    found = fast_gradient_sign(normalised(levels), slope, MEAN, STD, bound, whole=True)
    expected = normalised(slow(levels, slope, bound))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert torch.equal(found, normalised(levels)) == (bound == 0)


def test_float_noise_decides_ties_unless_pixels_are_whole() -> None:
    """A bound of 25.5 levels puts every pixel between two levels."""
    levels, slope = images(), torch.ones(3, 2, 5, 5)
    noisy = (
        normalised(levels)
        + 1e-6 * torch.randn(levels.shape, generator=torch.Generator().manual_seed(2)).double()
    )
    clean, whole, free = (
        fast_gradient_sign(x, slope, MEAN, STD, 0.1, whole=flag)
        for x, flag in ((normalised(levels), True), (noisy, True), (noisy, False))
    )
    assert torch.equal(whole, clean)
    assert not torch.equal(free, clean)
    shift = (free - clean) * STD.view(1, 2, 1, 1) * 255
    assert shift.abs().max().item() == pytest.approx(1.0)


def test_results_are_levels_within_the_range_in_the_precision_of_the_images() -> None:
    x = normalised(images()).float()
    found = fast_gradient_sign(x, torch.full(x.shape, -1.0), MEAN, STD, 0.1, whole=True)
    assert found.dtype == torch.float32
    back = (found.double() * STD.view(1, 2, 1, 1) + MEAN.view(1, 2, 1, 1)) * 255
    assert torch.allclose(back, back.round(), atol=1e-4)
    assert back.min() > -1e-4
    assert math.isclose(back.max().item(), 230, abs_tol=1e-3)  # 255 − 25.5, to the even level
