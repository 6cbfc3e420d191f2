"""Batches of a set that lives on the device: whole-batch tensor work, no loop over samples.

Images stay uint8 until a batch is drawn; crop and flip act on the batch at once, with the same distribution as
torchvision's per-image RandomCrop(padding=4) and RandomHorizontalFlip.
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
    """Some samples: x [B, C, H, W] normalised float, y [B] labels, index [B] into the official training set."""

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
        self.x = torch.from_numpy(np.ascontiguousarray(x)).to(device)
        self.y = torch.from_numpy(np.ascontiguousarray(y)).to(device)
        self.index = torch.from_numpy(np.ascontiguousarray(index).astype(np.int64)).to(device)
        self.augmentation = augmentation
        scale = 1.0 / (255.0 * np.asarray(std))
        self.scale = torch.tensor(scale, dtype=torch.float32, device=device).view(1, -1, 1, 1)
        self.shift = torch.tensor(-np.asarray(mean) / std, dtype=torch.float32, device=device).view(1, -1, 1, 1)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def device(self) -> torch.device:
        """Where the set is kept."""
        return self.x.device

    def take(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Batch:
        """Return some rows as a batch; augmented when a generator is given."""
        x = self.x[rows]
        if generator is not None:
            x = augment(x, self.augmentation, generator)
        x = torch.addcmul(self.shift, x.float(), self.scale)
        return Batch(x, self.y[rows], self.index[rows])

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


def augment(x_NCHW: Tensor, names: tuple[str, ...], generator: torch.Generator) -> Tensor:
    """Return uint8 images after random crop (zero padding 4) and random flip, as named."""
    count, _, height, width = x_NCHW.shape
    rows = torch.arange(height)
    columns = torch.arange(width).expand(count, width)
    if "flip" in names:
        flipped = torch.rand(count, generator=generator) < 0.5
        columns = torch.where(flipped[:, None], width - 1 - columns, columns)
    if "crop" in names:
        top = torch.randint(0, 2 * PADDING + 1, (count, 1), generator=generator)
        left = torch.randint(0, 2 * PADDING + 1, (count, 1), generator=generator)
        x_NCHW = functional.pad(x_NCHW, (PADDING,) * 4)
        rows, columns = rows + top, columns + left
    if not names:
        return x_NCHW
    rows = rows.expand(count, height).to(x_NCHW.device)
    columns = columns.to(x_NCHW.device)
    sample = torch.arange(count, device=x_NCHW.device)[:, None, None]
    return x_NCHW.permute(0, 2, 3, 1)[sample, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
