"""Batches of a set that lives on the device: whole-batch tensor work, no loop over samples.

Images stay uint8 until a batch is drawn; crop and flip act on the batch at once, with the same distribution
as torchvision's per-image RandomCrop(padding=4) and RandomHorizontalFlip. The channels of a pixel lie beside
each other in memory (channels last): a crop then copies whole rows, and convolutions on CPUs are faster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

PADDING = 4


@dataclass(frozen=True)
class Batch:
    """Some samples: x [B, C, H, W] normalised float, y [B] labels, index [B] into the official training set.

    x is channels last in memory: use `flatten` or `reshape` on it, not `view`.
    """

    x: Tensor
    y: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.y)


class Samples:
    """A set of images on the device.

    Args:
        x: images [N, C, H, W], uint8.
        y: labels [N].
        index: number of each sample in the set it comes from [N].
        mean, std: per channel, of pixels scaled to [0, 1].
        augmentation: any of "crop", "flip"; used where a caller asks for augmented batches.
        device: where the set is kept.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        index: np.ndarray,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        augmentation: tuple[str, ...] = (),
        device: str = "cpu",
    ) -> None:
        self.x_NHWC = torch.from_numpy(np.ascontiguousarray(x.transpose(0, 2, 3, 1))).to(device)
        self.y = torch.from_numpy(np.array(y, dtype=np.int64)).to(
            device
        )  # a copy: mapped files are read-only
        self.index = torch.from_numpy(np.array(index, dtype=np.int64)).to(device)
        self.augmentation = augmentation
        scale = 1.0 / (255.0 * np.asarray(std))
        self.scale = torch.tensor(scale, dtype=torch.float32, device=device)
        self.shift = torch.tensor(-np.asarray(mean) / std, dtype=torch.float32, device=device)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def device(self) -> torch.device:
        """Where the set is kept."""
        return self.y.device

    def take(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Batch:
        """Return some rows as a batch; augmented when a generator is given."""
        x_NHWC = self.x_NHWC[rows]
        if generator is not None:
            x_NHWC = augment(x_NHWC, self.augmentation, generator)
        x_NHWC = torch.addcmul(self.shift, x_NHWC.float(), self.scale)
        return Batch(x_NHWC.permute(0, 3, 1, 2), self.y[rows], self.index[rows])

    def batches(
        self,
        size: int,
        generator: torch.Generator | None = None,
        shuffle: bool = False,
        augmented: bool = False,
        drop_last: bool = False,
    ) -> Iterator[Batch]:
        """Yield one pass over the set.

        Args:
            size: samples per batch; the last batch may be smaller.
            generator: needed to shuffle or augment; every random draw comes from it.
            shuffle: a new order for this pass.
            augmented: apply the set's augmentation.
            drop_last: leave out a last batch that is smaller.
        """
        if (shuffle or augmented) and generator is None:
            raise ValueError("shuffled or augmented batches need a generator")
        count = len(self)
        order = torch.randperm(count, generator=generator).to(self.device) if shuffle else None
        for begin in range(0, count, size):
            end = min(begin + size, count)
            if drop_last and end - begin < size:
                return
            rows = order[begin:end] if order is not None else slice(begin, end)
            yield self.take(rows, generator if augmented else None)


def augment(x_NHWC: Tensor, names: tuple[str, ...], generator: torch.Generator) -> Tensor:
    """Return images after random crop (zero padding 4) and then random flip, as named; the input is kept."""
    count, device = len(x_NHWC), x_NHWC.device
    if "crop" in names:
        top_B, left_B = torch.randint(0, 2 * PADDING + 1, (2, count), generator=generator).to(device)
        x_NHWC = crop(x_NHWC, top_B, left_B)
    if "flip" in names:
        x_NHWC = flip(x_NHWC, (torch.rand(count, generator=generator) < 0.5).nonzero()[:, 0].to(device))
    return x_NHWC


def crop(x_NHWC: Tensor, top_B: Tensor, left_B: Tensor) -> Tensor:
    """Return of each zero-padded image the window of the old size at (top, left), both in 0 … 2·PADDING."""
    count, height, width, channels = x_NHWC.shape
    padded = functional.pad(x_NHWC, (0, 0, PADDING, PADDING, PADDING, PADDING)).flatten(2)
    # a view of all windows, [B, 2·PADDING + 1, 2·PADDING + 1, H, W·C], of which one per image is copied
    windows = padded.unfold(1, height, 1).unfold(2, width * channels, channels)
    return windows[torch.arange(count, device=x_NHWC.device), top_B, left_B].reshape(x_NHWC.shape)


def flip(x_NHWC: Tensor, rows: Tensor) -> Tensor:
    """Return the images with those of these rows mirrored left to right."""
    return x_NHWC.index_copy(0, rows, x_NHWC[rows].flip(2))
