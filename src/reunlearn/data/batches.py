"""Sets of samples and their batches, by tensor operations on whole batches, without loops over samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """Some samples: inputs x, labels y [B], places in the official training set index [B].

    x is [B, C, H, W] normalised float for images, channels last in memory (use `flatten` or `reshape` on it, not
    `view`), and [B, L] int64 token ids for texts, 0 after the end of a text.
    """

    x: Tensor
    y: Tensor
    index: Tensor

    def __len__(self) -> int:
        return len(self.y)


class Samples(ABC):
    """A set of samples with labels on the device.

    Args:
        y: labels [N].
        index: number of each sample in the set it comes from [N].
        device: where the set is kept.
    """

    def __init__(self, y: np.ndarray, index: np.ndarray, device: str = "cpu") -> None:
        # copies: mapped files are read-only
        self.y = torch.from_numpy(np.array(y, dtype=np.int64)).to(device)
        self.index = torch.from_numpy(np.array(index, dtype=np.int64)).to(device)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def device(self) -> torch.device:
        """Where the set is kept."""
        return self.y.device

    @property
    @abstractmethod
    def places(self) -> int:
        """For how many places a network computes per sample: the memory of its maps grows with them."""

    @property
    def pixel_scale(self) -> tuple[Tensor, Tensor] | None:
        """Mean and standard deviation [C], float64, by which pixels in [0, 1] were normalised; None: no images."""
        return None

    @abstractmethod
    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        """Return x of some rows; augmented when a generator is given."""

    def take(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Batch:
        """Return some rows as a batch; augmented when a generator is given."""
        return Batch(self.inputs(rows, generator), self.y[rows], self.index[rows])

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
            shuffle: draw a new order for this pass.
            augmented: apply the set's augmentation.
            drop_last: leave out a last batch that is smaller.
        """
        if (shuffle or augmented) and generator is None:
            raise ValueError("shuffled or augmented batches need a generator")
        for rows in self.pass_rows(size, generator if shuffle else None):
            count = len(rows) if isinstance(rows, Tensor) else rows.stop - rows.start
            if not (drop_last and count < size):
                yield self.take(rows, generator if augmented else None)

    def batches_ahead(self, size: int, generator: torch.Generator) -> Iterator[Batch]:
        """Yield a shuffled and augmented pass, the same batches as `batches` gives.

        A set may draw what is random about them ahead: between two batches nobody else may draw from the generator.
        """
        return self.batches(size, generator, shuffle=True, augmented=True)

    def rows(self, size: int, generator: torch.Generator | None) -> list[Tensor]:
        """Return the rows of each batch of one pass as tensors; see pass_rows."""
        each = torch.arange(len(self), device=self.device)
        return [rows if isinstance(rows, Tensor) else each[rows] for rows in self.pass_rows(size, generator)]

    def pass_rows(self, size: int, generator: torch.Generator | None) -> Iterator[Tensor | slice]:
        """Yield the rows of each batch of one pass: in order, or shuffled when a generator is given."""
        count = len(self)
        if generator is None:
            yield from (slice(begin, min(begin + size, count)) for begin in range(0, count, size))
        else:
            yield from torch.randperm(count, generator=generator).to(self.device).split(size)


def join(first: Batch, second: Batch) -> Batch:
    """Return one batch with the samples of both, in this order; shorter texts are filled with 0."""
    x_first, x_second = first.x, second.x
    if x_first.dim() == 2 and x_first.shape[1] != x_second.shape[1]:
        length = max(x_first.shape[1], x_second.shape[1])
        x_first, x_second = (
            torch.nn.functional.pad(x, (0, length - x.shape[1])) for x in (x_first, x_second)
        )
    return Batch(
        torch.cat((x_first, x_second)),
        torch.cat((first.y, second.y)),
        torch.cat((first.index, second.index)),
    )
