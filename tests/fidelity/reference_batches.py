"""Two small float64 networks and fixed batches for them, in the steps of the references."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

CLASSES = 3
SHAPES = {"two_layer": (4,), "conv": (2, 6, 6)}


def network(kind: str, seed: int = 0) -> nn.Module:
    """Two linear layers, or a convolution with BatchNorm before one linear layer; no dropout."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if kind == "two_layer":
            layers: list[nn.Module] = [nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, CLASSES)]
        else:
            layers = [nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)]
            layers += [nn.ReLU(), nn.Flatten(), nn.Linear(16, CLASSES)]
        return nn.Sequential(*layers).double()


def batch(kind: str, seed: int, size: int = 5) -> tuple[Tensor, Tensor]:
    """Random pictures with random labels, drawn from `seed` alone."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(size, *SHAPES[kind], generator=draw, dtype=torch.float64)
    return x, torch.randint(CLASSES, (size,), generator=draw)


def singles(kind: str, first: int, epochs: int = 2, steps: int = 2) -> list[list[Any]]:
    """Epochs of (x, y)."""
    return [[batch(kind, first + 10 * e + s) for s in range(steps)] for e in range(epochs)]


def pairs(kind: str, epochs: int = 3, steps: int = 2) -> list[list[Any]]:
    """Epochs of (x_f, y_f, x_r, y_r)."""
    forget, retain = singles(kind, 100, epochs, steps), singles(kind, 200, epochs, steps)
    return [[(*f, *r) for f, r in zip(fs, rs, strict=True)] for fs, rs in zip(forget, retain, strict=True)]


def relabelled(kind: str) -> list[list[Any]]:
    """Two epochs of a forget pass with wrong labels and a retain pass, and one joined epoch."""
    epochs: list[list[Any]] = []
    for forget, retain in zip(singles(kind, 100), singles(kind, 200), strict=True):
        steps: list[Any] = [("forget", x, y, (y + 1) % CLASSES) for x, y in forget]
        epochs.append(steps + [("retain", x, y) for x, y in retain])
    x, y = batch(kind, 300, 4)
    return [*epochs, [("joined", x, y, [True, False, True, False], (y + 2) % CLASSES)]]


def scrub_steps(kind: str) -> list[list[Any]]:
    """Three epochs; the first two have a forget pass."""
    epochs: list[list[Any]] = [[("retain", *step) for step in steps] for steps in singles(kind, 200, 3)]
    return [
        [("forget", x) for x, _ in singles(kind, 100, 1)[0]] + e if i < 2 else e for i, e in enumerate(epochs)
    ]


def indexed(kind: str) -> tuple[list[list[Any]], dict[int, int]]:
    """Two epochs over the same ten samples, three of them with a wrong label."""
    x, y = batch(kind, 400, 10)
    orders = [torch.arange(10), torch.arange(9, -1, -1)]
    epochs = [[(x[rows], y[rows], rows) for rows in order.split(5)] for order in orders]
    return epochs, {i: int(y[i] + 1) % CLASSES for i in (0, 3, 7)}


def unsir_steps(kind: str) -> list[list[Any]]:
    """One impair epoch and one repair epoch."""
    return [[("impair", *batch(kind, 1), torch.tensor([0, 2]))], [("repair", *batch(kind, 2))]]
