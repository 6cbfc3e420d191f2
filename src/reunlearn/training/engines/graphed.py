"""One model, whose step is captured as a CUDA graph: on a GPU a small network's step is mostly launching it."""

from __future__ import annotations

from reunlearn.training.engines.capture import captured
from reunlearn.training.engines.eager import Eager
from reunlearn.training.engines.static import Compute, StaticStep


class Graphed(StaticStep, Eager):
    """The model itself, trained in place by playing its step again."""

    name = "graphed"
    ordinary = Eager

    def made(self, compute: Compute) -> Compute:
        """Return what plays the step again."""
        return captured(compute, self.network, self.optimizer)
