"""FGSM in pixel space against the same sums pixel by pixel, and against levels worked out by hand."""

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
    """Return the levels after the step, in Python's floats; it rounds halves to even, as torch does."""
    moved = levels.clone()
    for place in range(levels.numel()):
        s = slope.flatten()[place].item()
        pixel = levels.flatten()[place].item() / 255 + bound * ((s > 0) - (s < 0))
        moved.view(-1)[place] = round(min(1.0, max(0.0, pixel)) * 255)
    return moved


@pytest.mark.parametrize("bound", [0.0, 0.03, 0.1, 1.0])
def test_equals_arithmetic_pixel_by_pixel(bound: float) -> None:
    levels = images()
    slope = torch.randn(levels.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    slope[0, 0, 0, 0] = 0.0
    found = fast_gradient_sign(normalised(levels), slope, MEAN, STD, bound, whole=True)
    expected = normalised(slow(levels, slope, bound))
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert torch.equal(found, normalised(levels)) == (bound == 0)


# level before, sign of the slope, level after a step of 0.1: by the released code's sums, and where only the exact
# tie would be rounded to the even level
TIES = {
    torch.float64: [(9, 1, 35, 34), (13, 1, 39, 38), (65, -1, 39, 40), (27, -1, 1, 2)],
    torch.float32: [(33, 1, 59, 58), (129, 1, 155, 154), (27, -1, 1, 2)],
}


@pytest.mark.parametrize("dtype", TIES)
def test_a_tie_goes_where_the_sum_in_the_models_precision_goes(dtype: torch.dtype) -> None:
    """u/255 ± 0.1 is half a level off every level; its rounding in float decides, and not the rule for halves."""
    before, signs, after, to_even = zip(*TIES[dtype], strict=True)
    shape = (1, 1, 1, len(before))
    for mean, std in ((0.0, 1.0), (0.4, 0.2)):  # as the pixels are, and normalised
        scale = [torch.tensor([value], dtype=torch.float64) for value in (mean, std)]
        x = ((torch.tensor(before).double() / 255 - mean) / std).to(dtype).view(shape)
        slope = torch.tensor(signs).to(dtype).view(shape)
        moved = fast_gradient_sign(x, slope, *scale, 0.1, whole=True)
        assert moved.dtype == dtype
        levels = (moved.double() * std + mean).flatten() * 255
        assert levels.round().int().tolist() == list(after)
        assert list(after) != list(to_even)


def test_the_precision_decides_where_a_tie_goes() -> None:
    """The control of the test above: the same level, another precision, another result."""
    scale = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    moved = {}
    for dtype in (torch.float32, torch.float64):
        x = (torch.arange(256).to(dtype) / 255).view(1, 1, 16, 16)
        moved[dtype] = 255 * fast_gradient_sign(x, torch.ones_like(x), *scale, 0.1, whole=True).double()
    apart = (moved[torch.float32] - moved[torch.float64]).abs()
    assert apart.max().item() == pytest.approx(1, abs=1e-4)
    assert 0 < int((apart > 0.5).sum()) < 230


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
    assert math.isclose(back.max().item(), 230, abs_tol=1e-3)  # 0.9 · 255 = 229.5 in float32
