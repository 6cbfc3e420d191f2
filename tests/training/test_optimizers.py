"""Optimizers by name: their formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.training.optimizers import make_optimizer

GRADIENTS = (1.0, -3.0, 0.5)


def path(name: str, learning_rate: float = 0.1, **more: Any) -> list[float]:
    """Return where a weight that starts at 2 goes."""
    weight = nn.Parameter(torch.tensor([2.0]))
    return follow(make_optimizer(name, [weight], learning_rate, **more), weight)


def follow(optimizer: torch.optim.Optimizer, weight: nn.Parameter) -> list[float]:
    found = []
    for gradient in GRADIENTS:
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        found.append(weight.item())
    return found


@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_steps_by_its_formula(nesterov: bool) -> None:
    value, velocity, expected = 2.0, 0.0, []
    for gradient in GRADIENTS:
        decayed = gradient + 0.01 * value
        velocity = 0.5 * velocity + decayed
        value -= 0.1 * (decayed + 0.5 * velocity if nesterov else velocity)
        expected.append(value)
    settings = {"momentum": 0.5, "weight_decay": 0.01}
    assert path("sgd", **settings, nesterov=nesterov) == pytest.approx(expected)
    assert path("sgd", **settings, nesterov=not nesterov) != pytest.approx(expected)


def test_adam_takes_no_momentum() -> None:
    for name in ("adam", "adamw"):
        assert path(name, momentum=0.0) == path(name, momentum=0.9)
    assert path("sgd", momentum=0.0) != path("sgd", momentum=0.9)


def test_adamw_decays_weights_and_adam_decays_through_the_gradient() -> None:
    weights = {}
    for name in ("adam", "adamw"):
        weight = nn.Parameter(torch.tensor([2.0]))
        weight.grad = torch.tensor([0.0])
        make_optimizer(name, [weight], 0.1, weight_decay=0.5).step()
        weights[name] = weight.item()
    assert weights["adamw"] == pytest.approx(2.0 * (1 - 0.1 * 0.5))
    assert weights["adam"] == pytest.approx(2.0 - 0.1, abs=1e-4)


def test_adamw_is_torchs_own() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    theirs = follow(torch.optim.AdamW([weight], lr=0.1, weight_decay=0.05), weight)
    assert path("adamw", weight_decay=0.05) == theirs
    assert path("adamw", weight_decay=0.04) != theirs


def test_an_unknown_optimizer_is_refused() -> None:
    with pytest.raises(ValueError, match="no optimizer 'lion'"):
        make_optimizer("lion", [nn.Parameter(torch.zeros(1))], 0.1)
