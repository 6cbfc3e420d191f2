"""Originals that have learned something: an untrained network has no conflict and nothing to forget."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .harness import fresh_network, make_sets


def fitted(
    kind: str,
    sizes: dict[str, int] | None = None,
    labels: dict[str, Any] | None = None,
    steps: int = 40,
    model: nn.Module | None = None,
) -> nn.Module:
    """Return a network that was taught forget and retain for some steps; the validation set is new to it."""
    model = fresh_network(kind, 0) if model is None else copy.deepcopy(model)
    sets = make_sets(kind, [], sizes, labels)
    batches = [sets[name].take(slice(None)) for name in ("forget", "retain")]
    x, y = torch.cat([b.x for b in batches]), torch.cat([b.y for b in batches])
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model.train()
    for _ in range(steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return model.requires_grad_(True)
