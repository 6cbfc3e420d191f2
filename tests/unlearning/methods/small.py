"""Small problems in double precision, and a recorder of what a method shows to its objective."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification
from reunlearn.unlearning.task import Task
from tests.unlearning.making import make

CLASSES = 3
PLAIN = {"augmented": False, "batch_size": 4}


class DoubleSamples(ImageSamples):
    """Samples whose batches are float64."""

    def take(self, rows: Any, generator: torch.Generator | None = None) -> Batch:
        batch = super().take(rows, generator)
        return Batch(batch.x.double().contiguous(), batch.y, batch.index)


@dataclass(frozen=True)
class Seen:
    """One loss that a method asked for."""

    batch: Batch
    draw: Tensor
    training: bool  # the mode of the model


class Recorder(Classification):
    """Cross-entropy that keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(CLASSES)
        self.seen: list[Seen] = []

    def loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        self.seen.append(Seen(batch, draw.clone(), model.training))
        return super().loss(model, batch, draw)

    def per_sample_loss(self, model: nn.Module, batch: Batch, draw: Tensor) -> Tensor:
        self.seen.append(Seen(batch, draw.clone(), model.training))
        return super().per_sample_loss(model, batch, draw)


def two_layer() -> nn.Module:
    """Return a smooth network of two linear layers for 4×4 images."""
    return _seeded(lambda: nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.Tanh(), nn.Linear(4, CLASSES)))


def conv_net() -> nn.Module:
    """Return a convolution with BatchNorm and a linear layer for 4×4 images."""

    def build() -> nn.Module:
        convolution = nn.Conv2d(1, 3, 3, padding=1, bias=False)
        layers = [convolution, nn.BatchNorm2d(3), nn.Tanh(), nn.MaxPool2d(2), nn.Flatten()]
        return nn.Sequential(*layers, nn.Linear(12, CLASSES))

    return _seeded(build)


NETWORKS = {"two_layer": two_layer, "conv_net": conv_net}


def _seeded(build: Any) -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return build().double()


def make_sets(forget: int = 6, retain: int = 9) -> dict[str, Samples]:
    """Return forget (indices 0 …) and retain (the indices after them): noise images of all classes."""
    rng = np.random.default_rng(11)
    count = forget + retain
    x = rng.integers(0, 256, (count, 1, 4, 4)).astype(np.uint8)
    index = np.arange(count)
    parts = {"forget": index[:forget], "retain": index[forget:]}
    return {name: DoubleSamples(x[i], i % CLASSES, i, (0.5,), (0.25,)) for name, i in parts.items()}


def run(
    name: str,
    model: nn.Module,
    settings: dict[str, Any],
    seed: int = 0,
    sets: dict[str, Samples] | None = None,
    reading: str | None = None,
) -> tuple[nn.Module, list[Seen]]:
    """Return what a method makes of a copy of `model`, and the losses it asked for."""
    objective = Recorder()
    task = Task(sets or make_sets(), {"forget", "retain"}, objective, CLASSES, seed)
    unlearned = make(name, reading, {**PLAIN, **settings}).unlearn(copy.deepcopy(model), task)
    return unlearned, objective.seen


def assert_same(model: nn.Module, expected: nn.Module, tolerance: float = 1e-9) -> None:
    """Refuse weights or buffers that differ by more than the tolerance."""
    wanted = expected.state_dict()
    for name, value in model.state_dict().items():
        torch.testing.assert_close(
            value, wanted[name], rtol=0, atol=tolerance, msg=lambda m, n=name: f"{n}: {m}"
        )


def distance(first: nn.Module, second: nn.Module) -> float:
    """Return the largest difference of a parameter between two models."""
    pairs = zip(first.parameters(), second.parameters(), strict=True)
    return max((a - b).abs().max().item() for a, b in pairs)
