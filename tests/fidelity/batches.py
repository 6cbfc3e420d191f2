"""Fixed samples for the references, and steps of them in the references' words."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from .networks import CLASSES, NETS
from .references._samples import batches_of

RETAIN, FORGET = 12, 6  # sizes of the sets


def normal(*shape: int, seed: int = 0) -> Tensor:
    """Return standard-normal draws."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def samples(kind: str, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return random inputs and labels; every class occurs."""
    return normal(count, *NETS[kind].inputs, seed=seed), torch.arange(count) % CLASSES


def sets(kind: str) -> tuple[Any, Any]:
    """Return (inputs, labels) of retain and of forget."""
    return samples(kind, RETAIN, 1), samples(kind, FORGET, 2)


def draws(model: nn.Module) -> dict[str, Tensor]:
    """Return standard-normal draws for each parameter."""
    return {n: normal(*p.shape, seed=i) for i, (n, p) in enumerate(model.named_parameters())}


def singles(kind: str, first_seed: int, epochs: int = 2, steps: int = 2) -> list[list[Any]]:
    """Return epochs of (x, y)."""
    return [[samples(kind, 5, first_seed + 10 * e + s) for s in range(steps)] for e in range(epochs)]


def pairs(kind: str, epochs: int = 3, steps: int = 2) -> list[list[Any]]:
    """Return epochs of (x_f, y_f, x_r, y_r)."""
    forget, retain = singles(kind, 100, epochs, steps), singles(kind, 200, epochs, steps)
    return [[(*f, *r) for f, r in zip(fs, rs, strict=True)] for fs, rs in zip(forget, retain, strict=True)]


def relabelled(kind: str) -> list[list[Any]]:
    """Return two epochs of a forget pass with wrong labels and a retain pass, and one joined epoch."""
    epochs: list[list[Any]] = []
    for forget, retain in zip(singles(kind, 100), singles(kind, 200), strict=True):
        steps: list[Any] = [("forget", x, y, (y + 1) % CLASSES) for x, y in forget]
        epochs.append(steps + [("retain", x, y) for x, y in retain])
    x, y = samples(kind, 4, 300)
    return [*epochs, [("joined", x, y, [True, False, True, False], (y + 2) % CLASSES)]]


def scrub_epochs(kind: str) -> list[list[Any]]:
    """Return three epochs; the first two have a forget pass."""
    forget = [("forget", x) for x, _ in singles(kind, 100, 1)[0]]
    retain = [[("retain", *step) for step in steps] for steps in singles(kind, 200, 3)]
    return [forget + retain[0], forget + retain[1], retain[2]]


def indexed(kind: str) -> tuple[list[list[Any]], dict[int, int]]:
    """Return two epochs of (x, y, index) over the same ten samples, and wrong labels of three of them."""
    x, y = samples(kind, 10, 400)
    orders = [torch.arange(10), torch.arange(9, -1, -1)]
    epochs = [[(x[rows], y[rows], rows) for rows in order.split(5)] for order in orders]
    return epochs, {i: int(y[i] + 1) % CLASSES for i in (0, 3, 7)}


def unsir_epochs(kind: str) -> list[list[Any]]:
    """Return one impair epoch and one repair epoch."""
    impair = ("impair", *samples(kind, 5, 1), torch.tensor([0, 2]))
    return [[impair], [("repair", *samples(kind, 5, 2))]]


def pgu_data(kind: str) -> dict[str, Any]:
    """Return what all modes of PGU need."""
    retain, forget = sets(kind)
    return {
        "full": batches_of(retain, 4) + batches_of(forget, 4),
        "clean": batches_of(retain, 4) + batches_of(forget, 4),
        "space_forget": batches_of(forget, 4),
        "forget": [batches_of(forget, 4)] * 3,
        "validation": retain,
        "guard": retain,
        "retain_evaluation": retain,
        "forget_evaluation": forget,
    }
