"""One model, whose loss is compiled by torch: its first step takes half a minute and needs a compiler."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.training.engines.eager import Eager


class Compiled(Eager):
    """The model itself, trained in place; a batch of another size than the first is computed eagerly."""

    name = "compiled"
    ordinary = Eager

    def prepare(self, models: Sequence[nn.Module], samples: Sequence[Samples]) -> nn.Module:
        """Return the model; nothing is compiled before the first step."""
        self._compiled, self._size = torch.compile(self.objective.loss, dynamic=False), 0
        return super().prepare(models, samples)

    def losses(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        """Return its loss [1]."""
        (batch,), (draw,) = batches, draws
        self._size = self._size or len(batch)
        if len(batch) != self._size:
            return super().losses(batches, draws)
        return self._compiled(self.network, batch, draw).unsqueeze(0)
