"""Optimizers and learning-rate schedules by name."""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import nn


def make_optimizer(
    name: str,
    parameters: Iterable[nn.Parameter],
    learning_rate: float,
    momentum: float = 0.9,
    weight_decay: float = 0.0,
) -> torch.optim.Optimizer:
    """Return sgd (with momentum), adam or adamw."""
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=learning_rate, momentum=momentum, weight_decay=weight_decay)
    if name == "adam":
        return torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)
    if name == "adamw":
        return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
    raise ValueError(f"no optimizer '{name}'; known: sgd, adam, adamw")


def rate_at(
    schedule: str, base: float, step: int, steps: int, milestones: tuple[int, ...] = (), end: float = 0.001
) -> float:
    """Return the learning rate of step 0 … steps − 1.

    cosine falls to 0 at `steps`; linear from 1 to `end` over the steps; multistep divides by 10 at each milestone.
    """
    if schedule == "constant":
        return base
    if schedule == "cosine":
        return base * (1 + math.cos(math.pi * step / steps)) / 2
    if schedule == "linear":
        return base * (1 + (end - 1) * step / max(1, steps - 1))
    if schedule == "multistep":
        return base * 0.1 ** sum(step >= m for m in milestones)
    raise ValueError(f"no schedule '{schedule}'; known: constant, cosine, linear, multistep")


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate
