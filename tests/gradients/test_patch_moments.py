"""Moments of patches from products of whole maps, against explicit patches, one after the other."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from reunlearn.gradients import patch_moments
from reunlearn.gradients.patch_moments import PatchMoment

KERNELS = [(1, 1), (3, 3), (1, 3), (3, 1), (2, 2), (4, 3), (5, 5)]
PADDINGS = [(0, 0), (1, 1), (0, 2), (2, 1), (3, 3)]


def explicit(x: Tensor, kernel: tuple[int, int], padding: tuple[int, int]) -> Tensor:
    """Return Σ r rᵀ, patch after patch at stride 1."""
    x = nn.functional.pad(x, (padding[1], padding[1], padding[0], padding[0])).double()
    total = 0.0
    for image in x:
        for i in range(x.shape[2] - kernel[0] + 1):
            for j in range(x.shape[3] - kernel[1] + 1):
                r = image[:, i : i + kernel[0], j : j + kernel[1]].reshape(-1)
                total = total + torch.outer(r, r)
    return total


def images(count: int = 5) -> Tensor:
    """Return images in double precision."""
    return torch.randn(count, 2, 5, 6, generator=torch.Generator().manual_seed(0)).double()


def found(layer: nn.Conv2d, *batches: Tensor) -> Tensor:
    """Return M of some batches."""
    moment = PatchMoment(layer)
    for x in batches:
        moment.add(x)
    return moment.value()


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_they_are_those_of_the_patches_at_stride_one(
    kernel: tuple[int, int], padding: tuple[int, int]
) -> None:
    layer = nn.Conv2d(2, 3, kernel, padding=padding, stride=2)
    moment = found(layer, images()[:2], images()[2:])
    assert moment.dtype == torch.float64
    assert torch.allclose(moment, explicit(images(), kernel, padding), rtol=0, atol=1e-11)
    assert torch.equal(moment, moment.T)


def test_control_other_patches_have_other_moments() -> None:
    """Without the padding, or at the layer's own stride."""
    moment = found(nn.Conv2d(2, 3, 3, padding=1, stride=2), images())
    rows = nn.functional.unfold(images(), 3, padding=1, stride=2).transpose(1, 2).reshape(-1, 18)
    assert not torch.allclose(moment, explicit(images(), (3, 3), (0, 0)), atol=1e-3)
    assert not torch.allclose(moment, rows.T @ rows, atol=1e-3)


def test_the_order_of_entries_is_that_of_the_weights() -> None:
    layer = nn.Conv2d(2, 3, 3, padding=1, bias=False).double()
    energies = layer(images()).square().sum(dim=(0, 2, 3))  # Σ (w·r)² = wᵀ M w
    weights_OD = layer.weight.flatten(1)
    assert torch.allclose(((weights_OD @ found(layer, images())) * weights_OD).sum(1), energies)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_single_precision_is_within_a_hundred_thousandth_of_the_largest(layout: torch.memory_format) -> None:
    x = torch.randn(150, 8, 9, 9, generator=torch.Generator().manual_seed(0)).relu()
    layer = nn.Conv2d(8, 3, 3, padding=1)
    exact, moment = found(layer, x.double()), found(layer, x.to(memory_format=layout))
    assert moment.dtype == torch.float64
    assert 0 < float((moment - exact).abs().max() / exact.abs().max()) < 1e-5


def test_chunks_do_not_change_the_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = nn.Conv2d(2, 3, 3, padding=1)
    whole = found(layer, images())
    monkeypatch.setattr(patch_moments, "PLACES", 60)
    assert torch.allclose(found(layer, images()), whole, rtol=0, atol=1e-11)
