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

    @property
    def clip(self) -> float:
        """Largest norm of the gradient of all weights; 0 does not clip."""


def make_optimizer(settings: OptimizerSettings, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the optimizer of these parameters, which clips before each step; adam and adamw have torch's own betas.

    On a GPU all weights are moved by one call (torch's fused optimizers).

    Raises:
        ValueError: there is no optimizer of this name.
    """
    own = list(parameters)
    optimizer = _unclipped(settings, own, True if own and all(p.is_cuda for p in own) else None)
    if settings.clip:
        optimizer.register_step_pre_hook(lambda *_: clip_gradients(optimizer, settings.clip))
    return optimizer


def clip_gradients(optimizer: torch.optim.Optimizer, largest: float) -> None:
    """Scale the gradients of an optimizer's parameters down to a norm of all of them together."""
    torch.nn.utils.clip_grad_norm_([p for group in optimizer.param_groups for p in group["params"]], largest)


def _unclipped(
    settings: OptimizerSettings, parameters: list[nn.Parameter], fused: bool | None
) -> torch.optim.Optimizer:
    rate, decay = settings.learning_rate, settings.weight_decay
    match settings.optimizer:
        case "sgd":
            momentum, nesterov = settings.momentum, settings.nesterov
            sgd = torch.optim.SGD(
                parameters, rate, momentum, weight_decay=decay, nesterov=nesterov, fused=fused
            )
            if fused and momentum:
                _fill_momentum(sgd, parameters)
            return sgd
        case "adam":
            return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, fused=fused)
        case "adamw":
            return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=fused)
    raise ValueError(f"no optimizer '{settings.optimizer}'; known: sgd, adam, adamw")


def _fill_momentum(sgd: torch.optim.SGD, parameters: list[nn.Parameter]) -> None:
    """Let all momenta begin at 0: torch's fused sgd fails where some weights get their first gradient after others."""
    for parameter in parameters:
        sgd.state[parameter]["momentum_buffer"] = torch.zeros_like(parameter, requires_grad=False)
