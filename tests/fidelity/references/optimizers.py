"""SGD, Adam and AdamW by hand, parameter by parameter, and the clipping of a total gradient norm.

A step takes the gradients and the learning rate as arguments; nothing reads `parameter.grad`. A
parameter whose gradient is None is left out of the step entirely: no weight decay, no momentum, no
count (as torch does). `state` holds one list for each buffer, with zeros before the first step.

    SGD    d = g + wd·θ;  b ← momentum·b + d;  θ ← θ − lr·b
           (torch starts b with d itself; with dampening 0 that is the same as starting from zeros)
    Adam   g ← g + wd·θ;  m ← β1 m + (1−β1) g;  v ← β2 v + (1−β2) g²;
           θ ← θ − lr · (m / (1−β1^t)) / (sqrt(v / (1−β2^t)) + eps)
    AdamW  θ ← θ − lr·wd·θ first, then the Adam step with the bare g

Settings (a dictionary with "name" and any of these): name = sgd | adam | adamw; momentum (0) for sgd;
weight_decay (0 for sgd and adam, 0.01 for adamw); betas (0.9, 0.999) and eps (1e-8) for adam and adamw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor


class SGD:
    """Stochastic gradient descent with momentum (dampening 0, not Nesterov) and coupled weight decay."""

    def __init__(
        self, parameters: Sequence[Tensor], momentum: float = 0.0, weight_decay: float = 0.0
    ) -> None:
        self.parameters = list(parameters)
        self.momentum, self.weight_decay = momentum, weight_decay
        self.state = {"momentum": [torch.zeros_like(p) for p in self.parameters]}

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None], learning_rate: float) -> None:
        """Moves every parameter that has a gradient."""
        for i, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            if gradient is None:
                continue
            direction = gradient + self.weight_decay * parameter
            self.state["momentum"][i] = self.momentum * self.state["momentum"][i] + direction
            parameter.copy_(parameter - learning_rate * self.state["momentum"][i])


class Adam:
    """Adam; weight decay is added to the gradient."""

    decoupled = False

    def __init__(
        self,
        parameters: Sequence[Tensor],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = list(parameters)
        self.betas, self.eps, self.weight_decay = betas, eps, weight_decay
        self.counts = [0 for _ in self.parameters]
        self.state = {
            "first": [torch.zeros_like(p) for p in self.parameters],
            "second": [torch.zeros_like(p) for p in self.parameters],
        }

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None], learning_rate: float) -> None:
        """Moves every parameter that has a gradient."""
        beta1, beta2 = self.betas
        for i, (parameter, gradient) in enumerate(zip(self.parameters, gradients, strict=True)):
            if gradient is None:
                continue
            self.counts[i] += 1
            if self.decoupled:
                parameter.copy_(parameter - learning_rate * self.weight_decay * parameter)
                g = gradient
            else:
                g = gradient + self.weight_decay * parameter
            self.state["first"][i] = beta1 * self.state["first"][i] + (1 - beta1) * g
            self.state["second"][i] = beta2 * self.state["second"][i] + (1 - beta2) * g * g
            first = self.state["first"][i] / (1 - beta1 ** self.counts[i])
            second = self.state["second"][i] / (1 - beta2 ** self.counts[i])
            parameter.copy_(parameter - learning_rate * first / (torch.sqrt(second) + self.eps))


class AdamW(Adam):
    """Adam; weight decay shrinks the parameter itself, before the step."""

    decoupled = True

    def __init__(
        self,
        parameters: Sequence[Tensor],
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(parameters, betas, eps, weight_decay)


Optimizer = SGD | Adam | AdamW


def build(parameters: Sequence[Tensor], settings: dict[str, Any]) -> Optimizer:
    """The optimizer that `settings["name"]` names, with the other entries as its arguments."""
    kinds = {"sgd": SGD, "adam": Adam, "adamw": AdamW}
    rest = {key: value for key, value in settings.items() if key != "name"}
    return kinds[settings["name"]](parameters, **rest)


def clipped(gradients: Sequence[Tensor | None], largest: float | None) -> list[Tensor | None]:
    """Gradients times min(1, largest / (total norm + 1e-6)): torch's clip_grad_norm_. None clips nothing."""
    if largest is None:
        return list(gradients)
    total = 0.0
    for gradient in gradients:
        if gradient is not None:
            total += float((gradient * gradient).sum())
    factor = min(1.0, largest / (total**0.5 + 1e-6))
    return [None if gradient is None else factor * gradient for gradient in gradients]
