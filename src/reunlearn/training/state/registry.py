"""Training-time state: what some methods need to know of how the original came to be. One file per kind.

A file has `write(request)`, which writes FILE into `request.folder` and may return facts for the record;
`PER_SPLIT = True` where the state depends on the forget set as well; `OF_TRAINING = True` where the original alone does
not tell it: its training is replayed, or its first weights are looked at.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from reunlearn.data.batches import Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.cards import StateCard
from reunlearn.study.recipes import Recipe
from reunlearn.study.scenario import Scenario

FILE = "state.safetensors"  # that every kind writes


@dataclass(frozen=True)
class StateRequest:
    """What a kind of state is computed from.

    Attributes:
        folder: where its files go.
        model: the original, its own copy.
        samples: the training set, with the labels that were taught.
        objective: of the training, smoothed labels included.
        recipe: how the original was trained.
        seed: the original's.
        start: gives the network as training started from it, by seed.
        result: gives a fresh network of the method's own architecture, by seed; `start` where it has none.
        forget: official numbers of the samples to forget; None unless the kind is PER_SPLIT.
        earlier: official numbers of those forgotten in earlier steps of a chain; None unless the kind is PER_SPLIT.
        scenario: that reads the state, where that is no method.
    """

    folder: Path
    model: nn.Module
    samples: Samples
    objective: Objective
    recipe: Recipe
    seed: int
    start: Callable[[int], nn.Module]
    result: Callable[[int], nn.Module]
    forget: np.ndarray | None = None
    earlier: np.ndarray | None = None
    scenario: Scenario | None = None


def write(kind: str, request: StateRequest) -> dict[str, Any]:
    """Compute one kind of state; return facts for the record."""
    return importlib.import_module(f"reunlearn.training.state.{kind}").write(request) or {}


def card(name: str) -> StateCard:
    """Return what the catalogue tells of a kind of state."""
    module = importlib.import_module(f"reunlearn.training.state.{name}")
    summary = (module.__doc__ or "").strip().splitlines()[0]
    per_split, of_training = (bool(getattr(module, name, False)) for name in ("PER_SPLIT", "OF_TRAINING"))
    return StateCard(name=name, summary=summary, per_split=per_split, of_training=of_training)
