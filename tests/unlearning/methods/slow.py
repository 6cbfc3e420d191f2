"""The obvious, slow arithmetic that the methods are compared with: one parameter, one sample at a time."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.unlearning.methods.small import Seen

Gradients = dict[str, Tensor]


def sample_losses(model: nn.Module, seen: Seen) -> list[Tensor]:
    """Return −log p of the drawn label for each sample, from one forward pass in the model's mode."""
    probabilities = functional.softmax(model(seen.batch.x), dim=1)
    return [-torch.log(row[int(label)]) for row, label in zip(probabilities, seen.draw, strict=True)]


def mean_loss(model: nn.Module, seen: Seen) -> Tensor:
    """Return the mean of the samples' losses."""
    losses = sample_losses(model, seen)
    return sum(losses[1:], losses[0]) / len(losses)


def gradient(model: nn.Module, loss: Tensor) -> Gradients:
    """Return the gradient by parameter name."""
    model.zero_grad()
    loss.backward()
    return {name: p.grad.clone() for name, p in model.named_parameters()}


class SlowSGD:
    """v ← μ v + (g + δ θ);  θ ← θ − η v"""

    def __init__(self, model: nn.Module, momentum: float, weight_decay: float) -> None:
        self.model, self.momentum, self.weight_decay = model, momentum, weight_decay
        self.velocity = {name: torch.zeros_like(p) for name, p in model.named_parameters()}

    def step(self, gradients: Gradients, rate: float) -> None:
        for name, parameter in self.model.named_parameters():
            push = gradients[name] + self.weight_decay * parameter.detach()
            self.velocity[name] = self.momentum * self.velocity[name] + push
            parameter.data = parameter.data - rate * self.velocity[name]
