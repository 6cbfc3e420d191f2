"""Objectives: what a method may ask of the kind of task, so that one method serves images, text and generation.

One file each, found by its name; the file's `make(classes, label_smoothing, logit_std, …)` returns the objective, its
further arguments are settings, `CHOICES` the words that some of them take,
`NUMBERS` those that may be 1 and more; `MODALITIES` says which datasets it is for.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Objective(Protocol):
    """The loss of a task and what belongs to it."""

    # of: outputs, forget_target, head, pixels (inputs that can be moved a little), deterministic (the loss of a batch
    # draws nothing), noise, samples
    capabilities: frozenset[str]

    def draw(self, batch: Any, generator: torch.Generator, labels: Tensor | None = None) -> Any:
        """Fix all randomness of a batch's loss (noise, timestep), and what it teaches: two evaluations see the same.

        `labels` [B]: taught instead of the true ones.
        """

    def per_sample_loss(self, model: nn.Module, batch: Any, draw: Any) -> Tensor:
        """Return the loss of each sample [B]."""

    def loss(self, model: nn.Module, batch: Any, draw: Any) -> Tensor:
        """Return the mean of the per-sample losses."""

    def for_masks(self) -> Objective:
        """Return the objective whose gradients tell which weights matter for a set of samples."""

    def outputs(self, model: nn.Module, batch: Any) -> Tensor:
        """Return logits [B, K], where there are class probabilities."""

    def forget_target(self, batch: Any, kind: str, generator: torch.Generator) -> Tensor:
        """Return labels [B] that are not the truth: `random_label`, `other_label` or `next_label`."""

    def head(self, model: nn.Module) -> nn.Module:
        """Return the last layer."""


def draws_nothing(objective: Objective) -> bool:
    """Tell whether an objective says that the loss of a batch draws nothing; one that says nothing may draw."""
    return "deterministic" in getattr(objective, "capabilities", ())


def make(
    name: str, classes: int, label_smoothing: float = 0.0, logit_std: float = 0.0, **settings: Any
) -> Objective:
    """Return an objective.

    Args:
        name: of its file.
        classes: number of classes of the dataset.
        label_smoothing, logit_std: of the recipe; for training only.
        settings: the objective's own.
    """
    module = importlib.import_module(f"reunlearn.objectives.{name}")
    return module.make(classes, label_smoothing, logit_std, **settings)


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of an objective."""
    module = importlib.import_module(f"reunlearn.objectives.{name}")
    parameters = list(inspect.signature(module.make).parameters.values())[3:]
    return {
        "name": name,
        "summary": (module.__doc__ or "").strip().splitlines()[0],
        "capabilities": sorted(module.make(2).capabilities),
        "modalities": module.MODALITIES,
        "settings": {p.name: p.default for p in parameters},
        "choices": getattr(module, "CHOICES", {}),
        "numbers": getattr(module, "NUMBERS", ()),
    }
