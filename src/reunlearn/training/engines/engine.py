"""How the steps of a training are computed; what is trained, and how long, is the matter of training/loop.py."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch, Samples
from reunlearn.objectives.registry import Objective
from reunlearn.study.recipes import Recipe
from reunlearn.training.optimizers import make_optimizer
from reunlearn.training.precision import autocast


class Engine(ABC):
    """Models that are trained side by side.

    Args:
        models: M of them; what becomes of them while they are trained is the engine's matter.
        samples: the training set of each.
        objective: gives the loss.
        recipe: how they are trained.

    Attributes:
        name: in records.
        ordinary: the engine that computes the same by single operations; None of such an engine itself.
        network: whose weights the optimizer moves.
        optimizer: as the recipe says.
    """

    name: ClassVar[str]
    ordinary: ClassVar[type[Engine] | None] = None

    def __init__(
        self, models: Sequence[nn.Module], samples: Sequence[Samples], objective: Objective, recipe: Recipe
    ) -> None:
        self.models, self.objective = models, objective
        self.network = self.prepare(models, samples)
        self.optimizer: torch.optim.Optimizer = make_optimizer(recipe, self.network.parameters())
        self._forward = autocast(recipe.precision, samples[0].device)

    @abstractmethod
    def prepare(self, models: Sequence[nn.Module], samples: Sequence[Samples]) -> nn.Module:
        """Return what is trained in the models' place, in training mode."""

    def step(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        """Take one step of every model; return their losses [M].

        Args:
            batches: one of each model, equally many samples in each.
            draws: what the objective drew for each batch.
        """
        with self._forward:
            losses_M = self.losses(batches, draws)
        self.optimizer.zero_grad(set_to_none=True)
        losses_M.sum().backward()
        self.optimizer.step()
        return losses_M.detach()

    @abstractmethod
    def losses(self, batches: Sequence[Batch], draws: Sequence[Any]) -> Tensor:
        """Return the loss of each model for its batch [M]."""

    @abstractmethod
    def give_back(self, number: int) -> None:
        """Let the model of this number have its weights and buffers as they are now."""
