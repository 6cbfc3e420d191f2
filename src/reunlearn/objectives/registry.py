"""Objectives: what a method may ask of the kind of task, so that one method serves images, text and generation.

One file each, found by its name; the file's `make(classes, label_smoothing)` returns the objective.
"""

from __future__ import annotations

import importlib
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class Objective(Protocol):
    """The loss of a task and what belongs to it."""

    capabilities: frozenset[
        str
    ]  # of: outputs, forget_target, head, pixels (inputs that can be moved a little)

    def draw(self, batch: Any, generator: torch.Generator) -> Any:
        """Fix all randomness of a batch's loss (labels, noise, timestep): two evaluations then see the same."""

    def per_sample_loss(self, model: nn.Module, batch: Any, draw: Any) -> Tensor:
        """Return the loss of each sample [B]."""

    def loss(self, model: nn.Module, batch: Any, draw: Any) -> Tensor:
        """Return the mean of the per-sample losses."""

    def outputs(self, model: nn.Module, batch: Any) -> Tensor:
        """Return logits [B, K], where there are class probabilities."""

    def forget_target(self, batch: Any, kind: str, generator: torch.Generator) -> Any:
        """Return a draw whose loss teaches something else than the truth: random_label, other_label."""

    def head(self, model: nn.Module) -> nn.Module:
        """Return the last layer."""


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of an objective."""
    module = importlib.import_module(f"reunlearn.objectives.{name}")
    summary = (module.__doc__ or "").strip().splitlines()[0]
    return {"name": name, "summary": summary, "capabilities": sorted(module.make(2).capabilities)}
