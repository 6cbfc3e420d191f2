"""Sets of inputs as a network takes them: what users have of their own data, already read and normalised."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from reunlearn.data.batches import Samples

Augment = Callable[[Tensor, torch.Generator], Tensor]  # inputs [B, …] and a CPU generator → inputs [B, …]


class TensorSamples(Samples):
    """A set of inputs.

    Args:
        x: inputs [N, …]: floats, or token ids [N, L].
        y: labels [N].
        index: number of each sample [N].
        augment: of augmented batches; must not change what it gets.
        pixels: mean and standard deviation per channel, by which pixels in [0, 1] were normalised; None: unknown.
        device: where the set is kept.
    """

    def __init__(
        self,
        x: Tensor,
        y: np.ndarray,
        index: np.ndarray,
        *,
        augment: Augment | None = None,
        pixels: tuple[Tensor, Tensor] | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(y, index, device)
        # images channels last, as the batches of ImageSamples are: the same bits come out of a convolution
        self._images = x.dim() == 4
        self._x = (x.permute(0, 2, 3, 1) if self._images else x).contiguous().to(device)
        self.augment, self._pixels = augment, pixels

    @property
    def places(self) -> int:
        """The pixels of an image, or the numbers of another input."""
        return math.prod(self.inputs(slice(0, 1)).shape[2 if self._images else 1 :])

    @property
    def pixel_scale(self) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation [C], float64, by which pixels in [0, 1] were normalised."""
        return self._pixels

    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        """Return inputs [B, …], a copy; augmented when a generator is given."""
        x = self._x[rows].clone() if isinstance(rows, slice) else self._x[rows]
        x = x.permute(0, 3, 1, 2) if self._images else x
        return self.augment(x, generator) if self.augment and generator is not None else x
