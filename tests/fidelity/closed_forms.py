"""Models whose losses and gradients are known in closed form.

One weight or one vector of weights: logits (w·x, 0), so that CE with label 0 is log(1 + exp(−w·x)), and with label 1
log(1 + exp(w·x)). A linear softmax model: ∂CE/∂W = (p − one-hot) xᵀ.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from .batches import normal
from .networks import CLASSES

PLAIN: dict[str, Any] = {"optimizer": {"name": "sgd"}, "learning_rates": 0.1}

# a linear softmax model: W [K, 2] and seven samples
WEIGHT = normal(CLASSES, 2, seed=3)
X, Y = normal(7, 2, seed=4), torch.tensor([0, 1, 2, 1, 0, 2, 0])
ONE_HOT = torch.eye(CLASSES, dtype=torch.float64)[Y]


class Weights(nn.Module):
    """Logits (w·x, 0) for x with as many entries as w."""

    def __init__(self, *values: float) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor(values, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        first = x @ self.w
        return torch.stack([first, torch.zeros_like(first)], dim=1)

    def values(self) -> list[float]:
        return self.w.detach().tolist()


def one(*x: float, label: int = 0) -> tuple[Tensor, Tensor]:
    """Return a batch of one sample."""
    return torch.tensor([x], dtype=torch.float64), torch.tensor([label])


X_F, X_R = 2.0, -0.5  # inputs of a forget and of a retain sample, both with label 0
PAIR = [[(*one(X_F), *one(X_R))]]


def sigmoid(z: float) -> float:
    """Return 1 / (1 + exp(−z))."""
    return 1 / (1 + math.exp(-z))


def loss(w: float, x: float, label: int = 0) -> float:
    """Return CE of one sample and one weight."""
    return math.log1p(math.exp(-w * x if label == 0 else w * x))


def slope(w: float, x: float, label: int = 0) -> float:
    """Return ∂CE/∂w = (σ(wx) − [label is 0]) x."""
    return (sigmoid(w * x) - (1 if label == 0 else 0)) * x


def curvature(w: float, x: float) -> float:
    """Return ∂²CE/∂w² = σ(1 − σ) x², for both labels."""
    return sigmoid(w * x) * (1 - sigmoid(w * x)) * x * x


def direction(model: Weights) -> Tensor:
    """Return the direction of a step that went from w = 0 at rate 0.1."""
    return -model.w.detach() / 0.1


def probabilities() -> Tensor:
    """Return the linear model's p [7, K]."""
    return torch.softmax(X @ WEIGHT.T, dim=1)


def misclassified() -> tuple[Tensor, Tensor]:
    """Return which samples the linear model gets wrong [7], and one-hot(predicted) − one-hot(label) [7, K]."""
    predictions = (X @ WEIGHT.T).argmax(1)
    return predictions != Y, torch.eye(CLASSES, dtype=torch.float64)[predictions] - ONE_HOT


def softmax_regression_step(head: nn.Linear, h: Tensor, y: Tensor) -> Tensor:
    """Return the head's weights after one step of 0.1: W − 0.1 (p − one-hot)ᵀ h / m."""
    error = torch.softmax(head(h), 1) - nn.functional.one_hot(y, head.out_features)
    return head.weight - 0.1 * error.T @ h / len(y)
