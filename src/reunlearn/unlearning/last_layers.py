"""What CF-k and EU-k share: which layers are the last k, and how only these are trained on the retain set.

Convolutions and linear layers are counted from the output, in the order of registration. Normalisation layers
registered after the k-th of them belong to the last layers too, as in the released code. If a network has fewer than
k layers, all of them are the last layers. Parameters of other modules (position embeddings, packed attention
projections) stay frozen.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.lr_scheduler import CosineAnnealingWarmRestarts, LRScheduler

from reunlearn.gradients.flat import trainable
from reunlearn.training.optimizers import make_optimizer
from reunlearn.unlearning.declarations import hyper
from reunlearn.unlearning.gradient import GradientMethod
from reunlearn.unlearning.task import Task

WEIGHTED = (nn.Conv2d, nn.Linear)
BATCHNORM = nn.modules.batchnorm._BatchNorm
NORMS = (BATCHNORM, nn.LayerNorm, nn.GroupNorm)


@dataclass(frozen=True)
class LastLayers(GradientMethod):
    """Common hyper-parameters of methods that train the last k layers; the defaults are the released ones."""

    k: int = hyper(
        3, "convolutions and linear layers that are trained, counted from the output (released 1 to 3)", ge=1
    )
    learning_rate: float = hyper(
        0.1, "learning rate; with sgdr the highest of each cycle (released 0.1)", gt=0
    )
    batch_size: int = hyper(64, "samples per batch (released 64)", ge=1)
    weight_decay: float = hyper(5e-5, "weight decay of the optimizer (released 5e-5)", ge=0)
    clip: float = hyper(10.0, "largest gradient norm (released 10); 0 does not clip", ge=0)
    schedule: str = hyper(
        "sgdr",
        "per epoch: cosine with warm restarts after 1, 3, 7, 15 … epochs (sgdr, released), or without restarts",
        choices=("sgdr", "constant", "cosine", "linear"),
    )
    lowest: float = hyper(
        0.05, "sgdr: lowest rate as a share of learning_rate (released 0.005/0.1)", ge=0, le=1
    )
    frozen_bn_mode: str = hyper(
        "eval",
        "BatchNorm of frozen layers keeps its statistics (eval), or adapts them to the retain set (train, released)",
        choices=("eval", "train"),
    )

    def make_schedule(self, optimizer: torch.optim.Optimizer) -> LRScheduler:
        """Return the schedule, stepped after each epoch."""
        if self.schedule == "sgdr":
            floor = self.lowest * self.learning_rate
            return CosineAnnealingWarmRestarts(optimizer, T_0=1, T_mult=2, eta_min=floor)
        return super().make_schedule(optimizer)

    def set_mode(self, model: nn.Module) -> None:
        """Put the model in training mode, BatchNorm as `bn_mode` and `frozen_bn_mode` say."""
        model.train()
        trained = {id(layer) for layer in last_layers(model, self.k)}
        for module in model.modules():
            if isinstance(module, BATCHNORM):
                module.train((self.bn_mode if id(module) in trained else self.frozen_bn_mode) == "train")

    def train_last(self, model: nn.Module, task: Task) -> None:
        """Take `epochs` passes over the retain set; only parameters of the last k layers change."""
        layers = last_layers(model, self.k)
        parameters = [p for layer in layers for p in layer.parameters(recurse=False) if p.requires_grad]
        optimizer = make_optimizer(self, parameters)
        step = task.steps(model, optimizer, lambda batch: task.loss(model, batch))
        with gradients_only_for(model, parameters):
            for epoch in self.passes(model, optimizer, task):
                for batch in task.retain.batches(self.batch_size, augmented=self.augmented):
                    (loss,) = step(batch)
                    task.series.step(retain=loss)
                task.log(epoch + 1, retain_loss=loss.item())


def last_layers(model: nn.Module, k: int) -> list[nn.Module]:
    """Return the last k convolutions and linear layers, and the normalisation layers that follow the first of them."""
    layers: list[nn.Module] = []
    counted = 0
    for module in reversed(list(model.modules())):
        if isinstance(module, (*WEIGHTED, *NORMS)):
            layers.append(module)
        counted += isinstance(module, WEIGHTED)
        if counted == k:
            break
    return layers


@contextmanager
def gradients_only_for(model: nn.Module, parameters: list[nn.Parameter]) -> Iterator[None]:
    """Compute gradients for these parameters only, so that the backward pass ends early; then restore the others."""
    kept = {id(p) for p in parameters}
    others = [p for p in trainable(model) if id(p) not in kept]
    try:
        for parameter in others:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in others:
            parameter.requires_grad_(True)
