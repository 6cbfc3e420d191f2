"""What gradient methods share: optimizer, schedule, BatchNorm mode, augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from reunlearn.training.optimizers import make_optimizer
from reunlearn.training.schedules import schedule_over
from reunlearn.unlearning.declarations import hyper
from reunlearn.unlearning.task import Task


@dataclass(frozen=True)
class StepMethod:
    """Common hyper-parameters of methods that take optimizer steps: such a method is its optimizer's settings."""

    nesterov: ClassVar[bool] = False  # no method asks for it

    learning_rate: float = hyper(0.01, "of the optimizer", gt=0)
    batch_size: int = hyper(128, "samples per batch", ge=1)
    optimizer: str = hyper("sgd", "sgd (with momentum), adam or adamw", choices=("sgd", "adam", "adamw"))
    momentum: float = hyper(0.9, "of SGD", ge=0, lt=1)
    weight_decay: float = hyper(5e-4, "of the optimizer", ge=0)
    bn_mode: str = hyper(
        "train", "BatchNorm uses batch statistics (train) or frozen ones (eval)", choices=("train", "eval")
    )
    clip: float = hyper(0.0, "largest norm of the gradient in a step; 0 does not clip", ge=0)
    augmented: bool = hyper(True, "batches are augmented as in training")

    def make_optimizer(self, model: nn.Module) -> torch.optim.Optimizer:
        """Return the optimizer over all parameters."""
        return make_optimizer(self, model.parameters())

    def set_mode(self, model: nn.Module) -> None:
        """Put the model in training mode, BatchNorm as `bn_mode` says."""
        model.train()
        if self.bn_mode == "eval":
            freeze_batchnorm(model)


@dataclass(frozen=True)
class GradientMethod(StepMethod):
    """Step methods that count in passes over a set."""

    epochs: int = hyper(5, "passes over the set that drives the method", ge=0)
    schedule: str = hyper(
        "constant", "per epoch: constant, cosine or linear", choices=("constant", "cosine", "linear")
    )

    def make_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Return the schedule, stepped after each epoch."""
        return schedule_over(optimizer, self.schedule, self.epochs)

    def passes(self, model: nn.Module, optimizer: torch.optim.Optimizer, task: Task) -> Iterator[int]:
        """Yield epoch 0 … epochs − 1, or those that are left, each with its learning rate and BatchNorm mode set."""
        schedule = self.make_schedule(optimizer)
        for epoch in task.progress.walk(self.epochs, model, optimizer, schedule):
            self.set_mode(model)
            yield epoch
            schedule.step()


def freeze_batchnorm(model: nn.Module) -> None:
    """Let every BatchNorm use its running statistics and leave them as they are."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()


def descend(optimizer: torch.optim.Optimizer, loss: torch.Tensor) -> None:
    """Take one optimizer step down `loss`."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
