"""SGD, Adam and AdamW written out, the clipping of a gradient's norm, and the rates of steps.

A step takes the gradients and the rate as arguments; nothing reads `parameter.grad`. A parameter whose gradient is
absent is left out of the step: no weight decay, no momentum, no count (as in torch). `state` holds {parameter name:
buffer} for each kind of buffer, zeros before the first step.

    SGD    d = g + wd·θ;  b ← momentum·b + d;  θ ← θ − lr·b
           (torch starts b with d itself; with dampening 0 that is the same as starting from zeros)
    Adam   g ← g + wd·θ;  m ← β1 m + (1−β1) g;  v ← β2 v + (1−β2) g²;
           θ ← θ − lr · (m / (1−β1^t)) / (sqrt(v / (1−β2^t)) + eps)
    AdamW  θ ← θ − lr·wd·θ first, then the Adam step with the bare g

Settings of an optimizer, a dictionary: "name" is sgd, adam or adamw; "momentum" (0) for sgd; "weight_decay" (0; 0.01
for adamw); "betas" (0.9, 0.999) and "eps" (1e-8) for adam and adamw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch

from ._weights import Tensors, zeros_like

# one rate for all steps, or one for each epoch, or one for each step of each epoch
Rates = float | Sequence[float] | Sequence[Sequence[float]]
# a run: epochs, each a list of steps in the words of the method
Epochs = Sequence[Sequence[Any]]


class SGD:
    """Stochastic gradient descent with momentum (no dampening, not Nesterov) and weight decay in the gradient."""

    def __init__(self, parameters: Tensors, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        self.parameters = parameters
        self.momentum, self.weight_decay = momentum, weight_decay
        self.state = {"momentum": zeros_like(parameters)}

    @torch.no_grad()
    def step(self, grads: Tensors, learning_rate: float) -> None:
        """Move each parameter that has a gradient."""
        buffers = self.state["momentum"]
        for name, gradient in grads.items():
            parameter = self.parameters[name]
            buffers[name] = self.momentum * buffers[name] + (gradient + self.weight_decay * parameter)
            parameter.copy_(parameter - learning_rate * buffers[name])


class Adam:
    """Adam; weight decay is added to the gradient."""

    decoupled = False

    def __init__(
        self,
        parameters: Tensors,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = parameters
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.counts = dict.fromkeys(parameters, 0)
        self.state = {"first": zeros_like(parameters), "second": zeros_like(parameters)}

    @torch.no_grad()
    def step(self, grads: Tensors, learning_rate: float) -> None:
        """Move each parameter that has a gradient."""
        beta1, beta2 = self.betas
        first, second = self.state["first"], self.state["second"]
        for name, gradient in grads.items():
            parameter = self.parameters[name]
            self.counts[name] += 1
            if self.decoupled:
                parameter.copy_(parameter - learning_rate * self.weight_decay * parameter)
                g = gradient
            else:
                g = gradient + self.weight_decay * parameter
            first[name] = beta1 * first[name] + (1 - beta1) * g
            second[name] = beta2 * second[name] + (1 - beta2) * g * g
            mean = first[name] / (1 - beta1 ** self.counts[name])
            square = second[name] / (1 - beta2 ** self.counts[name])
            parameter.copy_(parameter - learning_rate * mean / (torch.sqrt(square) + self.eps))


class AdamW(Adam):
    """Adam; weight decay shrinks the parameter itself, before the step."""

    decoupled = True

    def __init__(
        self,
        parameters: Tensors,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, betas, eps, weight_decay)


KINDS = {"sgd": SGD, "adam": Adam, "adamw": AdamW}


def build(parameters: Tensors, settings: dict[str, Any]) -> SGD | Adam:
    """Return the optimizer that `settings["name"]` names, with the other entries as its arguments."""
    rest = {key: value for key, value in settings.items() if key != "name"}
    return KINDS[settings["name"]](parameters, **rest)


def clipped(grads: Tensors, largest: float | None) -> Tensors:
    """Return the gradients times min(1, largest / (total norm + 1e-6)), as clip_grad_norm_; None clips nothing."""
    if largest is None:
        return grads
    squares = sum(float((gradient * gradient).sum()) for gradient in grads.values())
    factor = min(1.0, largest / (squares**0.5 + 1e-6))
    return {name: factor * gradient for name, gradient in grads.items()}


def rate_at(rates: Rates, epoch: int, step: int) -> float:
    """Return the learning rate of a step; epochs and the steps in them are counted from 0."""
    if isinstance(rates, int | float):
        return float(rates)
    of_epoch = rates[epoch]
    return float(of_epoch) if isinstance(of_epoch, int | float) else float(of_epoch[step])


def steps_with_rates(epochs: Epochs, rates: Rates) -> Iterator[tuple[Any, float]]:
    """Yield each step of each epoch, with its learning rate."""
    for epoch, steps in enumerate(epochs):
        for number, step in enumerate(steps):
            yield step, rate_at(rates, epoch, number)
