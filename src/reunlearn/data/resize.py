"""Resizing of whole batches of images: [B, H, W, C] uint8 in and out."""

from __future__ import annotations

import torch
from torch import Tensor


def resize(x_NHWC: Tensor, size: int, interpolation: str) -> Tensor:
    """Return images of height and width `size`, antialiased, as torchvision resizes image tensors.

    Args:
        x_NHWC: images.
        size: in pixels.
        interpolation: bilinear or bicubic.
    """
    from reunlearn.data.torchvision_compat import InterpolationMode, functional

    x_NCHW = x_NHWC.permute(0, 3, 1, 2)
    if x_NHWC.device.type == "cpu":
        mode = InterpolationMode(interpolation)
        resized = functional.resize(x_NCHW, [size, size], mode, antialias=True)
    else:
        resized = by_axis(x_NCHW, size, interpolation)
    return resized.permute(0, 2, 3, 1).contiguous()


def by_axis(x_NCHW: Tensor, size: int, interpolation: str) -> Tensor:
    """Return, on devices where torchvision resizes only floats, the images of `resize` up to 2 grey levels.

    Pillow, and torchvision on CPUs, round and clip between the two axes. Without this the overshoot of bicubic
    interpolation makes differences of 25 levels at sharp edges: a model would see other images on a GPU than on a CPU.
    """
    from reunlearn.data.torchvision_compat import InterpolationMode, functional

    mode, height = InterpolationMode(interpolation), x_NCHW.shape[2]
    for shape in ([height, size], [size, size]):
        x_NCHW = functional.resize(x_NCHW.float(), shape, mode, antialias=True).round().clamp(0, 255)
    return x_NCHW.to(torch.uint8)
