"""Random changes of whole batches of images: [B, H, W, C] uint8 in and out; the input is not changed."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reunlearn.data.pixel_moves import rotate

# imported by name: only the code of recipes that use it covers it
RANDAUGMENT = "reunlearn.data.randaugment"


@dataclass(frozen=True)
class Augmentation:
    """The random changes of training images, made in the order of `names`.

    Each has the distribution of torchvision's per-image transform: RandomCrop, RandomHorizontalFlip,
    RandomRotation (nearest interpolation, black corners), RandAugment.

    Attributes:
        names: some of crop, flip, rotation, randaugment.
        crop_padding: black pixels added on each side before a window of the old size is cut out.
        rotation_degrees: largest angle in either direction.
        randaugment_operations: number of operations on each image.
        randaugment_magnitude: 0 … 30, of the operations that have a magnitude.
    """

    names: tuple[str, ...] = ()
    crop_padding: int = 4
    rotation_degrees: float = 20.0
    randaugment_operations: int = 2
    randaugment_magnitude: int = 9

    def __post_init__(self) -> None:
        unknown = [name for name in self.names if name not in KINDS]
        if unknown:
            raise ValueError(f"no augmentation '{unknown[0]}'; known: {', '.join(KINDS)}")

    def __call__(self, x_NHWC: Tensor, generator: torch.Generator) -> Tensor:
        """Return augmented images; every draw comes from the CPU generator."""
        for name in self.names:
            x_NHWC = KINDS[name](self, x_NHWC, generator)
        return x_NHWC


def random_crop(settings: Augmentation, x_NHWC: Tensor, generator: torch.Generator) -> Tensor:
    """Return a window of each padded image, all (2·padding + 1)² of them equally likely."""
    span = 2 * settings.crop_padding + 1
    top_B, left_B = torch.randint(0, span, (2, len(x_NHWC)), generator=generator).to(x_NHWC.device)
    return crop(x_NHWC, top_B, left_B, settings.crop_padding)


def random_flip(settings: Augmentation, x_NHWC: Tensor, generator: torch.Generator) -> Tensor:
    """Return the images, half of them mirrored."""
    rows = (torch.rand(len(x_NHWC), generator=generator) < 0.5).nonzero()[:, 0].to(x_NHWC.device)
    return flip(x_NHWC, rows)


def random_rotation(settings: Augmentation, x_NHWC: Tensor, generator: torch.Generator) -> Tensor:
    """Return the images, each turned by an angle uniform in ±rotation_degrees."""
    largest = settings.rotation_degrees
    return rotate(x_NHWC, torch.empty(len(x_NHWC)).uniform_(-largest, largest, generator=generator))


def random_randaugment(settings: Augmentation, x_NHWC: Tensor, generator: torch.Generator) -> Tensor:
    """Return the images after some operations each; all operations and both signs are equally likely."""
    module = importlib.import_module(RANDAUGMENT)
    shape = (settings.randaugment_operations, len(x_NHWC))
    operation_KB = torch.randint(0, len(module.OPERATIONS), shape, generator=generator)
    negative_KB = torch.rand(shape, generator=generator) < 0.5
    return module.randaugment(x_NHWC, operation_KB, negative_KB, settings.randaugment_magnitude)


KINDS: dict[str, Callable[[Augmentation, Tensor, torch.Generator], Tensor]] = {
    "crop": random_crop,
    "flip": random_flip,
    "rotation": random_rotation,
    "randaugment": random_randaugment,
}


def crop(x_NHWC: Tensor, top_B: Tensor, left_B: Tensor, padding: int) -> Tensor:
    """Return of each zero-padded image the window of the old size at (top, left), both in 0 … 2·padding."""
    count, height, width, channels = x_NHWC.shape
    padded = functional.pad(x_NHWC, (0, 0, padding, padding, padding, padding)).flatten(2)
    # a view of all windows, [B, 2·padding + 1, 2·padding + 1, H, W·C], of which one per image is copied
    windows = padded.unfold(1, height, 1).unfold(2, width * channels, channels)
    return windows[torch.arange(count, device=x_NHWC.device), top_B, left_B].reshape(x_NHWC.shape)


def flip(x_NHWC: Tensor, rows: Tensor) -> Tensor:
    """Return the images with those of these rows mirrored left to right."""
    return x_NHWC.index_copy(0, rows, x_NHWC[rows].flip(2))
