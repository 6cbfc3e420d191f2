"""Images as the latents of a frozen VAE, computed batch by batch when they are asked for."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from reunlearn.data.batches import Samples


class LatentSamples(Samples):
    """A set of images whose batches are latents.

    Args:
        images: the set.
        encode: images [B, C, H, W] → latents [B, c, h, w]; draws nothing.
    """

    def __init__(self, images: Samples, encode: Callable[[Tensor], Tensor]) -> None:
        self.images, self.encode = images, encode
        self.y, self.index = images.y, images.index

    @property
    def places(self) -> int:
        """The pixels of an image: encoding it takes most of the memory."""
        return self.images.places

    @torch.no_grad()
    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        """Return latents of some rows; of augmented images when a generator is given."""
        x = self.images.inputs(rows, generator)
        if not len(x):  # VAEs refuse a batch of no image
            return self.encode(x.new_zeros((1, *x.shape[1:])))[:0]
        return self.encode(x)
