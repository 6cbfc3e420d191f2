"""One model, one operation after the other: the reference of all engines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.training.engines.engine import Engine


class Eager(Engine):
    """The model itself, trained in place."""

    name = "eager"

    def prepare(self, models: Sequence[nn.Module], samples: Sequence[Samples]) -> nn.Module:
        """Return the model."""
        (model,) = models
        return model.train()

    def losses(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        """Return its loss [1]."""
        (batch,), (draw,) = batches, draws
        return self.objective.loss(self.network, batch, draw).unsqueeze(0)

    def give_back(self, number: int) -> None:
        """Nothing is to be done: the model has been trained in place."""
