"""Models with one weight or one vector of weights, whose losses have closed forms.

Logits (w·x, 0): CE with label 0 is log(1 + exp(−w·x)), with label 1 log(1 + exp(w·x)).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


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
    """A batch of one sample."""
    return torch.tensor([x], dtype=torch.float64), torch.tensor([label])


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


def loss(w: float, x: float, label: int = 0) -> float:
    """CE of one sample and one weight."""
    return math.log1p(math.exp(-w * x if label == 0 else w * x))


def slope(w: float, x: float, label: int = 0) -> float:
    """∂CE/∂w = (σ(wx) − [label is 0]) x."""
    return (sigmoid(w * x) - (1 if label == 0 else 0)) * x


def curvature(w: float, x: float) -> float:
    """∂²CE/∂w² = σ(1 − σ) x², for both labels."""
    return sigmoid(w * x) * (1 - sigmoid(w * x)) * x * x
