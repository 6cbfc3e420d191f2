"""Requests for training-time state, as the stage would make them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.training.state.registry import StateRequest

RECIPE = Recipe(learning_rate=0.05, epochs=2, batch_size=8)


def request(
    folder: Path,
    model: nn.Module,
    samples: Samples,
    classes: int,
    seed: int = 0,
    start: Callable[[int], nn.Module] | None = None,
    result: Callable[[int], nn.Module] | None = None,
    forget: np.ndarray | None = None,
    earlier: np.ndarray | None = None,
    recipe: Recipe = RECIPE,
) -> StateRequest:
    """Return a request; `start` is needed by the kinds that train."""

    def nothing(seed: int) -> nn.Module:
        raise AssertionError("this request gives no fresh networks")

    begin = start or nothing
    objective = Classification(classes)
    return StateRequest(
        folder, model, samples, objective, recipe, seed, begin, result or begin, forget, earlier
    )
