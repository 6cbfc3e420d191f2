"""Sets of texts: token ids on the device; a batch is as long as its longest text."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from reunlearn.data.batches import Samples

CHUNK = 50  # batches whose texts are sorted by length together

TOKEN_PLACES = 8


class TextSamples(Samples):
    """A set of texts.

    Args:
        x: token ids [N, L], 0 after the end of a text.
        y: labels [N].
        index: number of each sample in the set it comes from [N].
        group_by_length: put texts of similar length into one batch in shuffled passes.
        device: where the set is stored.
    """

    def __init__(
        self,
        x: np.ndarray,
        y: np.ndarray,
        index: np.ndarray,
        group_by_length: bool = False,
        device: str = "cpu",
    ) -> None:
        super().__init__(y, index, device)
        self.x_NL = torch.from_numpy(np.asarray(x).astype(np.int32)).to(device)
        self.length_N = (self.x_NL != 0).sum(1)
        self.group_by_length = group_by_length

    @property
    def places(self) -> int:
        """The tokens of the longest text, each as many places as its vectors are wider than those of a pixel."""
        return TOKEN_PLACES * self.x_NL.shape[1]

    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        """Return token ids [B, longest text of these]; texts are not augmented."""
        longest = int(self.length_N[rows].max()) if len(self.y[rows]) else 1
        return self.x_NL[rows, : max(1, longest)].long()

    def pass_rows(self, size: int, generator: torch.Generator | None) -> Iterator[Tensor | slice]:
        """Yield the rows of each batch of one pass; see `group_by_length`."""
        if generator is None or not self.group_by_length:
            yield from super().pass_rows(size, generator)
            return
        order = torch.randperm(len(self), generator=generator).to(self.device)
        batches: list[Tensor] = []
        for chunk in order.split(CHUNK * size):
            by_length = self.length_N[chunk].argsort(descending=True, stable=True)
            batches += chunk[by_length].split(size)
        for number in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[number]
