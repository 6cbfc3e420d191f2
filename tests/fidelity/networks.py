"""The small float64 networks of all comparisons and checks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES = 3


class TwoLayer(nn.Module):
    """Three inputs (a vector, or an image of that size), four hidden units, three classes, smooth."""

    inputs = (3, 1, 1)  # [C, H, W]

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.first(x.flatten(1))))


class SmallConv(nn.Module):
    """Two convolutions with BatchNorm (the second strided), global average, linear head.

    There is no bias in front of BatchNorm: its gradient would be rounding noise, which Adam magnifies.
    """

    inputs = (2, 4, 4)  # [C, H, W]

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1, bias=False),
            nn.BatchNorm2d(3),
            nn.ReLU(),
            nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
        )
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x).mean(dim=(2, 3)))


NETS = {"two_layer": TwoLayer, "small_conv": SmallConv}


def fresh_network(kind: str, seed: int = 0) -> nn.Module:
    """Return a network in training mode with weights drawn from the seed.

    Its BatchNorm statistics are away from their start. The global generator stays as it is.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = NETS[kind]().double()
        if kind == "small_conv":
            with torch.no_grad():
                for _ in range(3):
                    model(torch.randn(16, *model.inputs, dtype=torch.float64) + 0.3)
    return model


def linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """Return a linear layer with these values."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer
