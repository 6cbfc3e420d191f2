"""Resizing: torchvision's pixels, and Pillow's within two grey levels."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from reunlearn.data.resize import by_axis, resize
from reunlearn.data.torchvision_compat import InterpolationMode, functional
from tests.data.pictures import noise, per_image, smooth

SIZES = [(64, 224), (64, 32), (32, 48), (96, 80)]
MODES = ("bilinear", "bicubic")


def pillow(x_NHWC: torch.Tensor, size: int, mode: str) -> np.ndarray:
    images = [Image.fromarray(image.numpy()) for image in x_NHWC]
    return np.stack([np.array(i.resize((size, size), Image.Resampling[mode.upper()])) for i in images])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("before", "after"), SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_equals_torchvision_image_by_image(before: int, after: int, mode: str, channels: int) -> None:
    x_NHWC = noise(6, before, channels)
    found = resize(x_NHWC, after, mode)
    assert found.dtype == torch.uint8
    assert found.is_contiguous()  # channels last stays
    for image, one in zip(found.permute(0, 3, 1, 2), per_image(x_NHWC), strict=True):
        assert torch.equal(image, functional.resize(one, [after, after], InterpolationMode(mode)))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("before", "after"), SIZES)
@pytest.mark.parametrize("function", ["resize", "by_axis"])
def test_pillow_differs_by_two_grey_levels_at_most(before: int, after: int, mode: str, function: str) -> None:
    """On noise; on smooth pictures three values of four are equal. `by_axis` is what GPUs do."""
    for kind in (noise, smooth):
        x_NHWC = kind(6, before)
        if function == "resize":
            found = resize(x_NHWC, after, mode)
        else:
            found = by_axis(x_NHWC.permute(0, 3, 1, 2), after, mode).permute(0, 2, 3, 1)
        difference = np.abs(found.numpy().astype(int) - pillow(x_NHWC, after, mode))
        assert difference.max() <= 2
        if kind is smooth:
            assert (difference == 0).mean() > 0.75


def test_without_rounding_between_the_axes_bicubic_differs_from_pillow() -> None:
    """The control of the test above, and why `by_axis` is there."""
    x_NHWC = noise(6, 32)
    x_NCHW = x_NHWC.permute(0, 3, 1, 2).float()
    at_once = functional.resize(x_NCHW, [48, 48], InterpolationMode.BICUBIC).round().clamp(0, 255)
    found = at_once.permute(0, 2, 3, 1).numpy().astype(int)
    assert np.abs(found - pillow(x_NHWC, 48, "bicubic")).max() > 10


def test_without_antialiasing_smaller_images_differ() -> None:
    x_NCHW = noise(6, 64).permute(0, 3, 1, 2)
    aliased = functional.resize(x_NCHW, [32, 32], InterpolationMode.BILINEAR, antialias=False)
    assert (
        int((aliased.int() - resize(noise(6, 64), 32, "bilinear").permute(0, 3, 1, 2).int()).abs().max()) > 50
    )


def test_the_same_size_changes_nothing() -> None:
    assert torch.equal(resize(noise(3), 32, "bicubic"), noise(3))
