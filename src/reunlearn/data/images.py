"""Sets of images: stored as uint8 on the device, or on disk if larger than memory; normalised batch by batch.

The channels of a pixel are neighbours in memory (channels last): a crop then copies whole rows, and convolutions on
CPUs are faster.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Batch, Samples
from reunlearn.data.resize import resize as resized
from reunlearn.data.storage import MappedImages, copied


class ImageSamples(Samples):
    """A set of images.

    Args:
        x: images [M, C, H, W], uint8; may be memory-mapped.
        y: labels [N].
        index: number of each sample in the set it comes from [N].
        mean, std: per channel, of pixels scaled to [0, 1].
        augmentation: of augmented batches; it is applied to resized images.
        resize: height and width of the images in every batch; None keeps their size.
        interpolation: of `resize`: bilinear or bicubic.
        device: where batches are made, and where the set is stored unless mapped.
        rows: which N of the M images belong to the set, in this order; None takes all.
        mapped: leave the images in their file and read those of a batch when it is made: same bits, less memory.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        index: np.ndarray,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        *,
        augmentation: Augmentation | None = None,
        resize: int | None = None,
        interpolation: str = "bilinear",
        device: str = "cpu",
        rows: np.ndarray | None = None,
        mapped: bool = False,
    ) -> None:
        super().__init__(y, index, device)
        chosen = np.arange(len(x)) if rows is None else np.asarray(rows)
        if not len(chosen) == len(y) == len(index):
            raise ValueError(
                f"{len(chosen)} images, {len(y)} labels and {len(index)} numbers; "
                "give the labels and numbers of the chosen rows"
            )
        if x.dtype != np.uint8:
            raise ValueError(f"images are {x.dtype}; give uint8")
        self.x_NHWC = (MappedImages if mapped else copied)(x, chosen, device)
        self.augmentation = augmentation or Augmentation()
        self.resize, self.interpolation = resize, interpolation
        scale = 1.0 / (255.0 * np.asarray(std))
        self.scale = torch.tensor(scale, dtype=torch.float32, device=device)
        self.shift = torch.tensor(-np.asarray(mean) / std, dtype=torch.float32, device=device)

    @property
    def places(self) -> int:
        """The pixels of an image as the network gets it."""
        return math.prod(self.inputs(slice(0, 1)).shape[2:])

    @property
    def pixel_scale(self) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation [C], float64, by which pixels in [0, 1] were normalised."""
        std = 1 / (255 * self.scale.double())
        return -self.shift.double() * std, std

    def pixels(self, rows: Tensor | slice) -> Tensor:
        """Return images [B, C, H, W] as they are stored, uint8."""
        return self.x_NHWC[rows].permute(0, 3, 1, 2)

    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        """Return normalised images [B, C, H, W]; augmented when a generator is given."""
        x_NHWC = self._resized(rows)
        if generator is not None:
            x_NHWC = self.augmentation(x_NHWC, generator)
        return self._normalised(x_NHWC)

    def batches_ahead(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield the batches of a training pass; all that is random about them is drawn before the first."""
        each = self.rows(size, generator)
        draws = self.augmentation.draw_ahead([len(rows) for rows in each], generator, self.device)
        for rows, drawn in zip(each, draws, strict=True):
            x_NHWC = self.augmentation.apply(self._resized(rows), drawn)
            yield Batch(self._normalised(x_NHWC), self.y[rows], self.index[rows])

    def _resized(self, rows: Tensor | slice) -> Tensor:
        x_NHWC = self.x_NHWC[rows]
        return x_NHWC if self.resize is None else resized(x_NHWC, self.resize, self.interpolation)

    def _normalised(self, x_NHWC: Tensor) -> Tensor:
        return torch.addcmul(self.shift, x_NHWC.float(), self.scale).permute(0, 3, 1, 2)
