"""A small training that can be interrupted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Samples
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.loop import train

RECIPE = Recipe(
    learning_rate=0.05,
    weight_decay=5e-4,
    epochs=4,
    batch_size=16,
    schedule="cosine",
    augmentation=("crop", "flip"),
)
CHANGES: dict[str, dict[str, Any]] = {
    "sgd": {},
    "nesterov": {"nesterov": True},
    "adam": {"optimizer": "adam", "learning_rate": 1e-3},
    "adamw": {"optimizer": "adamw", "learning_rate": 1e-3, "weight_decay": 0.01},
    "per step": {"schedule": "linear", "schedule_per": "step"},
    "exponential": {"schedule": "exponential", "schedule_end": 0.1},
    "multistep": {"schedule": "multistep", "milestones": (1, 3)},
    "warm-up": {"warmup_epochs": 2},
    "warm-up per step": {"warmup_epochs": 1, "schedule_per": "step"},
    "clipped and averaged": {"clip": 0.05, "average": 0.9},
}


class KilledError(Exception):
    """Stands for the end of the process."""


class Drawing(nn.Module):
    """Draws a number per batch, keeps it, and gives back its input."""

    def __init__(self, drawn: list[float]) -> None:
        super().__init__()
        self.drawn = drawn

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.drawn.append(torch.rand(()).item())
        return x


def changed(change: dict[str, Any]) -> Recipe:
    """Return the recipe with other values, checked as if it were written so."""
    return Recipe(**(RECIPE.model_dump() | change))


def make_samples(recipe: Recipe) -> Samples:
    generator = np.random.default_rng(0)
    x_NCHW = generator.integers(0, 256, (50, 3, 8, 8), dtype=np.uint8)
    y_N = generator.integers(0, 4, 50)
    augmentation = Augmentation(recipe.augmentation)
    return ImageSamples(x_NCHW, y_N, np.arange(50), (0.5,) * 3, (0.25,) * 3, augmentation=augmentation)


def fresh(seed: int = 3, width: int = 8) -> nn.Module:
    return build(ArchitectureSpec(name="small_cnn", settings={"width": width}), (3, 8, 8), 4, seed)


def dropping(seed: int = 3) -> nn.Module:
    """Return a network with dropout."""
    return nn.Sequential(nn.Dropout(0.3), fresh(seed), nn.Dropout(0.3))


def run(
    recipe: Recipe,
    folder: Path | None = None,
    stop_after: int | None = None,
    seed: int = 3,
    model: nn.Module | None = None,
) -> Any:
    """Train; return (model, history, epochs done by this call). With `stop_after`, die in that epoch's report."""
    done: list[int] = []

    def progress(numbers: dict[str, Any], _: int) -> None:
        done.append(numbers["epoch"])
        if numbers["epoch"] == stop_after:
            raise KilledError

    model, samples = model or fresh(seed), make_samples(recipe)
    try:
        history = train(
            model,
            samples,
            Classification(4),
            recipe,
            seed,
            checkpoints=folder,
            progress=progress,
            seconds_between=0,
        )
    except KilledError:
        return model, None, done
    return model, history, done


def same_bits(a: nn.Module, b: nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(value, other[key]) for key, value in a.state_dict().items())
