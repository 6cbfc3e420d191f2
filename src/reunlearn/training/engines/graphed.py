"""A step that is captured as a CUDA graph: on a GPU a small network's step is mostly launching it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.recipes import Recipe
from reunlearn.training.engines.capture import captured
from reunlearn.training.engines.eager import Eager
from reunlearn.training.engines.engine import Engine
from reunlearn.training.engines.static import Compute, Numbers, StaticStep


class Played(Engine):
    """Goes before an engine among the bases: its steps are captured once and played again. A draw must be a tensor."""

    def __init__(
        self, models: Sequence[nn.Module], samples: Sequence[Samples], objective: Objective, recipe: Recipe
    ) -> None:
        super().__init__(models, samples, objective, recipe)
        self.static = StaticStep(self._from_tensors, self.optimizer, self.made)

    def step(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        """Take one step of every model; return their losses [M], valid until the next step."""
        parts = [part for batch in batches for part in (batch.x, batch.y, batch.index)]
        (losses_M,) = self.static([*parts, *(cast(Tensor, draw) for draw in draws)])
        return losses_M

    def made(self, compute: Compute) -> Compute:
        """Return what plays the step again."""
        return captured(compute, self.network, self.optimizer)

    def _from_tensors(self, parts: Sequence[Tensor]) -> Numbers:
        count = len(self.models)
        batches = [Batch(*parts[3 * number : 3 * number + 3]) for number in range(count)]
        return (super().step(batches, parts[3 * count :]),)


class Graphed(Played, Eager):
    """The model itself, trained in place by playing its step again."""

    name = "graphed"
    ordinary = Eager
