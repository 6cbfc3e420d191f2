"""The small float64 networks and data on which the references run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES = 3


class TwoLayer(nn.Module):
    """Three inputs (a vector, or an image of that size), four hidden units, three classes, smooth."""

    inputs = (3,)

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.first(x.flatten(1))))


class SmallConv(nn.Module):
    """Two convolutions with BatchNorm (the second strided), global average, linear head.

    No bias in front of BatchNorm: its gradient would be rounding noise, which Adam magnifies.
    """

    inputs = (2, 4, 4)

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


def built(kind: str, seed: int = 0) -> nn.Module:
    """A network with given random weights, in train mode, its BatchNorm statistics away from their start."""
    torch.manual_seed(seed)
    model = NETS[kind]().double()
    if kind == "small_conv":
        with torch.no_grad():
            for _ in range(3):
                model(torch.randn(16, *model.inputs, dtype=torch.float64) + 0.3)
    return model


def linear(weight: Tensor, bias: Tensor | None = None) -> nn.Linear:
    """A linear layer with these values."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    return layer


def samples(kind: str, number: int, seed: int) -> tuple[Tensor, Tensor]:
    """Random inputs and labels; every class occurs."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(number, *NETS[kind].inputs, generator=generator, dtype=torch.float64)
    return x, torch.arange(number) % CLASSES


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Standard-normal draws."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
