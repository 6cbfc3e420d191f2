"""Optimizers by name, made from a recipe or from the hyper-parameters of a method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import torch
from torch import nn


class OptimizerSettings(Protocol):
    """What an optimizer is made from: a Recipe has these names, and so has every method that takes steps."""

    @property
    def optimizer(self) -> str:
        """One of sgd, adam, adamw."""

    @property
    def learning_rate(self) -> float:
        """The rate that a schedule starts from."""

    @property
    def momentum(self) -> float:
        """Of sgd only."""

    @property
    def nesterov(self) -> bool:
        """Of sgd only."""

    @property
    def weight_decay(self) -> float:
        """Added to the gradient (sgd, adam), or taken off the weights (adamw)."""


def make_optimizer(settings: OptimizerSettings, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of these parameters; adam and adamw have torch's own betas.

    Raises:
        ValueError: there is no optimizer of this name.
    """
    rate, decay = settings.learning_rate, settings.weight_decay
    match settings.optimizer:
        case "sgd":
            momentum, nesterov = settings.momentum, settings.nesterov
            return torch.optim.SGD(
                parameters, lr=rate, momentum=momentum, weight_decay=decay, nesterov=nesterov
            )
        case "adam":
            return torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
        case "adamw":
            return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay)
    raise ValueError(f"no optimizer '{settings.optimizer}'; known: sgd, adam, adamw")
