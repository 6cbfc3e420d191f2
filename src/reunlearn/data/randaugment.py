"""RandAugment of whole batches, as torchvision applies it to image tensors: nearest interpolation, black corners.

Each image goes through some of 14 operations, drawn with replacement, all at one magnitude.
Cubuk et al., "RandAugment: Practical automated data augmentation with a reduced search space", arXiv:1909.13719.
"""

from __future__ import annotations

import functools
import math

import torch
from torch import Tensor

from reunlearn.base.errors import UserError
from reunlearn.data.pixel_moves import framed, pick

MOVES = ("ShearX", "ShearY", "TranslateX", "TranslateY", "Rotate")
SIGNED_COLOURS = ("Brightness", "Color", "Contrast", "Sharpness")
COLOURS = (*SIGNED_COLOURS, "Posterize", "Solarize", "AutoContrast", "Equalize")
OPERATIONS = ("Identity", *MOVES, *COLOURS)
BINS = 31  # magnitudes 0 … 30


def randaugment(x_NHWC: Tensor, operation_KB: Tensor, negative_KB: Tensor, magnitude: int) -> Tensor:
    """Return images after K operations each.

    Args:
        x_NHWC: images, uint8.
        operation_KB: numbers into OPERATIONS, on the CPU.
        negative_KB: whether an operation with two directions takes the second one, on the CPU.
        magnitude: 0 … 30, of the operations that have a magnitude.

    Raises:
        UserError: the images have neither 1 nor 3 channels.
    """
    if x_NHWC.shape[3] not in (1, 3):
        raise UserError(
            f"randaugment needs images of 1 or 3 channels, not {x_NHWC.shape[3]}; take it out of `augmentation`"
        )
    for operation_B, negative_B in zip(operation_KB, negative_KB, strict=True):
        x_NHWC = _one_each(x_NHWC, operation_B, negative_B, magnitude)
    return x_NHWC


def _one_each(x_NHWC: Tensor, operation_B: Tensor, negative_B: Tensor, magnitude: int) -> Tensor:
    _, height, width, _ = x_NHWC.shape
    device, changed = x_NHWC.device, x_NHWC.clone()
    moved = ((operation_B >= 1) & (operation_B <= len(MOVES))).nonzero()[:, 0]
    if len(moved):
        move = (2 * (operation_B[moved] - 1) + negative_B[moved].long()).to(device)
        rows, sources_MP = moved.to(device), move_sources(magnitude, height, width, device)
        changed.index_copy_(0, rows, pick(x_NHWC[rows], sources_MP[move]))
    for name in COLOURS:
        same_B, backwards_B = operation_B == OPERATIONS.index(name), negative_B & (name in SIGNED_COLOURS)
        for sign, side_B in ((1, ~backwards_B), (-1, backwards_B)):
            rows = (same_B & side_B).nonzero()[:, 0].to(device)
            if len(rows):
                level = sign * magnitude_of(name, magnitude, height, width)
                x_NCHW = recolour(x_NHWC[rows].permute(0, 3, 1, 2), name, level)
                changed.index_copy_(0, rows, x_NCHW.permute(0, 2, 3, 1))
    return changed


def magnitude_of(name: str, magnitude: int, height: int, width: int) -> float:
    """Return the strength of an operation at a magnitude, in the operation's unit; 0 if it has no magnitude."""
    if name == "Posterize":
        return 8.0 - round(magnitude / ((BINS - 1) / 4))
    if name == "Solarize":
        return float(torch.linspace(255.0, 0.0, BINS)[magnitude])
    ends = {"ShearX": 0.3, "ShearY": 0.3, "Rotate": 30.0} | dict.fromkeys(SIGNED_COLOURS, 0.9)
    ends |= {"TranslateX": 150.0 / 331.0 * width, "TranslateY": 150.0 / 331.0 * height}
    return float(torch.linspace(0.0, ends.get(name, 0.0), BINS)[magnitude])


@functools.lru_cache(maxsize=8)
def move_sources(magnitude: int, height: int, width: int, device: torch.device) -> Tensor:
    """Return the source of each pixel of a moved image, in the numbering of `pick`: [2·len(MOVES), H·W].

    Each move is listed forwards, then backwards. torchvision moves an image of pixel numbers here, so that a pixel
    halfway between two others has the same source as in torchvision; a shear has whole rows of such pixels.
    """
    rows_H1, columns_W = torch.arange(height)[:, None], torch.arange(width)
    numbers = framed(rows_H1, columns_W, width).float()[None]
    levels = [(name, magnitude_of(name, magnitude, height, width)) for name in MOVES]
    moved = [move(numbers, name, sign * level)[0] for name, level in levels for sign in (1, -1)]
    return torch.stack(moved).int().flatten(1).to(device)


def move(x_NCHW: Tensor, name: str, level: float) -> Tensor:
    """Return images after the same move; 0 where the source lies outside the image."""
    from reunlearn.data.torchvision_compat import functional

    if name == "Rotate":
        return functional.rotate(x_NCHW, level)
    shear, shift, along_x = math.degrees(math.atan(level)), int(level), name.endswith("X")
    return functional.affine(
        x_NCHW,
        angle=0.0,
        scale=1.0,
        shear=[0.0, 0.0] if name.startswith("Translate") else [shear, 0.0] if along_x else [0.0, shear],
        translate=[0, 0] if name.startswith("Shear") else [shift, 0] if along_x else [0, shift],
        center=[0, 0] if name.startswith("Shear") else None,
    )


def recolour(x_NCHW: Tensor, name: str, level: float) -> Tensor:
    """Return images after the same change of colours."""
    from reunlearn.data.torchvision_compat import functional as f

    change = {
        "Brightness": lambda: f.adjust_brightness(x_NCHW, 1.0 + level),
        "Color": lambda: f.adjust_saturation(x_NCHW, 1.0 + level),
        "Contrast": lambda: f.adjust_contrast(x_NCHW, 1.0 + level),
        "Sharpness": lambda: f.adjust_sharpness(x_NCHW, 1.0 + level),
        "Posterize": lambda: f.posterize(x_NCHW, int(level)),
        # on CPUs a table of the 256 grey levels, and for AutoContrast channels first in memory, are eight times as fast
        "Solarize": lambda: _look_up(f.solarize(torch.arange(256).byte().view(1, 16, 16), level), x_NCHW),
        "AutoContrast": lambda: f.autocontrast(x_NCHW.contiguous()),
        "Equalize": lambda: f.equalize(x_NCHW),
    }
    return change[name]()


def _look_up(table: Tensor, x_NCHW: Tensor) -> Tensor:
    levels_NHWC = x_NCHW.permute(0, 2, 3, 1)  # the order in memory
    changed = table.flatten().to(x_NCHW.device).index_select(0, levels_NHWC.flatten().int())
    return changed.view(levels_NHWC.shape).permute(0, 3, 1, 2)
