"""Random changes of whole batches of images: [B, H, W, C] uint8 in and out; the input is not changed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from reunlearn.data.pixel_moves import turned, turns

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
        return self.apply(x_NHWC, self.draw(len(x_NHWC), generator))

    def draw(self, count: int, generator: torch.Generator) -> list[Tensor]:
        """Return what is random about so many images: for each of `names` a tensor [..., count] on the CPU."""
        return [KINDS[name].draw(self, count, generator) for name in self.names]

    def draw_ahead(
        self, counts: Sequence[int], generator: torch.Generator, device: torch.device
    ) -> list[list[Tensor]]:
        """Return what `draw` gives for one batch after the other, on the device where it is used.

        Each kind of draw is copied at once, from memory that the device reads by itself: no batch waits for a copy.
        """
        by_batch = [self.draw(count, generator) for count in counts]
        by_kind = []
        for name, drawn in zip(self.names, zip(*by_batch, strict=True), strict=True):
            together = torch.cat(drawn, dim=-1)
            if device.type == "cuda" and not KINDS[name].read_by_host:
                together = together.pin_memory().to(device, non_blocking=True)
            by_kind.append(together.split(list(counts), dim=-1))
        return [list(drawn) for drawn in zip(*by_kind, strict=True)] if by_kind else [[] for _ in counts]

    def apply(self, x_NHWC: Tensor, draws: Sequence[Tensor]) -> Tensor:
        """Return the images after the changes that were drawn for them."""
        for name, drawn in zip(self.names, draws, strict=True):
            x_NHWC = KINDS[name].apply(self, x_NHWC, drawn)
        return x_NHWC


@dataclass(frozen=True)
class Kind:
    """One of the random changes.

    Attributes:
        draw: (settings, count, generator) → what is random about so many images [..., count].
        apply: (settings, images, what was drawn for them) → changed images.
        read_by_host: which operations are called depends on what was drawn: it stays on the CPU.
    """

    draw: Callable[[Augmentation, int, torch.Generator], Tensor]
    apply: Callable[[Augmentation, Tensor, Tensor], Tensor]
    read_by_host: bool = False


def draw_crop(settings: Augmentation, count: int, generator: torch.Generator) -> Tensor:
    """Return tops and lefts [2, count]: all (2·padding + 1)² windows of a padded image are equally likely."""
    return torch.randint(0, 2 * settings.crop_padding + 1, (2, count), generator=generator)


def random_crop(settings: Augmentation, x_NHWC: Tensor, corner_2B: Tensor) -> Tensor:
    """Return a window of each padded image."""
    top_B, left_B = corner_2B.to(x_NHWC.device)
    return crop(x_NHWC, top_B, left_B, settings.crop_padding)


def draw_flip(settings: Augmentation, count: int, generator: torch.Generator) -> Tensor:
    """Return which images are mirrored [count], half of them."""
    return torch.rand(count, generator=generator) < 0.5


def random_flip(settings: Augmentation, x_NHWC: Tensor, mirrored_B: Tensor) -> Tensor:
    """Return the images, these of them mirrored."""
    if x_NHWC.is_cuda:  # to count them would be to wait for the device
        return torch.where(mirrored_B.to(x_NHWC.device)[:, None, None, None], x_NHWC.flip(2), x_NHWC)
    return flip(x_NHWC, mirrored_B.nonzero()[:, 0])


def draw_rotation(settings: Augmentation, count: int, generator: torch.Generator) -> Tensor:
    """Return cosine and sine [2, count] of angles uniform in ±rotation_degrees."""
    largest = settings.rotation_degrees
    return turns(torch.empty(count).uniform_(-largest, largest, generator=generator))


def random_rotation(settings: Augmentation, x_NHWC: Tensor, turn_2B: Tensor) -> Tensor:
    """Return the images, each turned by its angle."""
    return turned(x_NHWC, turn_2B.to(x_NHWC.device))


def draw_randaugment(settings: Augmentation, count: int, generator: torch.Generator) -> Tensor:
    """Return operation and sign [2, K, count]; all operations and both signs are equally likely."""
    module = importlib.import_module(RANDAUGMENT)
    shape = (settings.randaugment_operations, count)
    operation_KB = torch.randint(0, len(module.OPERATIONS), shape, generator=generator)
    negative_KB = torch.rand(shape, generator=generator) < 0.5
    return torch.stack((operation_KB, negative_KB.long()))


def random_randaugment(settings: Augmentation, x_NHWC: Tensor, drawn_2KB: Tensor) -> Tensor:
    """Return the images after some operations each."""
    module = importlib.import_module(RANDAUGMENT)
    operation_KB, negative_KB = drawn_2KB
    return module.randaugment(x_NHWC, operation_KB, negative_KB.bool(), settings.randaugment_magnitude)


KINDS: dict[str, Kind] = {
    "crop": Kind(draw_crop, random_crop),
    "flip": Kind(draw_flip, random_flip),
    "rotation": Kind(draw_rotation, random_rotation),
    "randaugment": Kind(draw_randaugment, random_randaugment, read_by_host=True),
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
