"""A user's own model and data: a small network that knows noise by heart."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn
from torch.nn import functional

CLASSES, SIZES = 4, {"forget": 12, "retain": 36, "validation": 16, "test": 24}
Pair = tuple[Tensor, Tensor]


def network() -> nn.Module:
    """Return a small convolutional network with BatchNorm, its weights from torch's global generator."""
    body = [nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(4)]
    return nn.Sequential(*body, nn.Flatten(), nn.Linear(64, CLASSES))


@functools.cache
def sets() -> dict[str, Pair]:
    """Return x [N, 1, 8, 8] and y [N] of each set."""
    draws = torch.Generator().manual_seed(0)
    return {
        name: (torch.randn(n, 1, 8, 8, generator=draws), torch.arange(n) % CLASSES)
        for name, n in SIZES.items()
    }


def trained(*names: str, seed: int = 0) -> nn.Module:
    """Return a network that was trained on these sets; forget and retain if none is named."""
    x, y = (
        torch.cat(parts) for parts in zip(*(sets()[n] for n in names or ("forget", "retain")), strict=True)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = network()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(30):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model


@functools.cache
def original() -> nn.Module:
    """Return the one trained model that tests share; none may change it."""
    return trained().eval()


def same(one: nn.Module, other: nn.Module) -> bool:
    """Tell whether all weights and buffers are equal to the bit."""
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())
