"""A network in which two names are one tensor."""

from __future__ import annotations

import torch
from torch import Tensor, nn

CLASSES = 3


class Tied(nn.Module):
    """Two linear layers with one weight, and a layer that is there under two names."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight
        self.norm = nn.BatchNorm1d(4)
        self.again = self.norm
        self.head = nn.Linear(4, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        inner = self.again(self.second(self.norm(self.first(x.flatten(1)).relu())))
        return self.head(inner)
