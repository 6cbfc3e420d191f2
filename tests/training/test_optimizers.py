"""Optimizers by name: their formulas."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.study.recipes import Recipe
from reunlearn.training import optimizers
from reunlearn.training.optimizers import make_optimizer
from reunlearn.unlearning.methods.unsir import UNSIR

GRADIENTS = (1.0, -3.0, 0.5)


def settings(name: str, **more: Any) -> Recipe:
    """Return a recipe with this optimizer; nothing is checked."""
    changes = {"optimizer": name, **more}
    return Recipe(epochs=1, batch_size=1, learning_rate=0.1).model_copy(update=changes)


def path(name: str, **more: Any) -> list[float]:
    """Return where a weight that starts at 2 goes."""
    weight = nn.Parameter(torch.tensor([2.0]))
    return follow(make_optimizer(settings(name, **more), [weight]), weight)


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
    more = {"momentum": 0.5, "weight_decay": 0.01}
    assert path("sgd", **more, nesterov=nesterov) == pytest.approx(expected)
    assert path("sgd", **more, nesterov=not nesterov) != pytest.approx(expected)


def test_fused_sgd_takes_weights_that_get_a_gradient_later(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: a mask is trained in some steps only."""
    ends, plain = [], optimizers._unclipped
    for fused in (True, False):
        with monkeypatch.context() as patch:
            patch.setattr(optimizers, "_unclipped", lambda wanted, own, _, f=fused: plain(wanted, own, f))
            weights = [nn.Parameter(torch.tensor([2.0])) for _ in range(2)]
            optimizer = make_optimizer(settings("sgd", momentum=0.5), weights)
        for step, gradient in enumerate(GRADIENTS):
            weights[0].grad = torch.tensor([gradient])
            weights[1].grad = torch.tensor([gradient]) if step else None
            optimizer.step()
        ends.append([weight.item() for weight in weights])
    assert ends[0] == pytest.approx(ends[1])
    assert ends[0][0] != ends[0][1] != 2.0


def test_adam_takes_no_momentum() -> None:
    for name in ("adam", "adamw"):
        assert path(name, momentum=0.0) == path(name, momentum=0.9)
    assert path("sgd", momentum=0.0) != path("sgd", momentum=0.9)


def test_adamw_decays_weights_and_adam_decays_through_the_gradient() -> None:
    weights = {}
    for name in ("adam", "adamw"):
        weight = nn.Parameter(torch.tensor([2.0]))
        weight.grad = torch.tensor([0.0])
        make_optimizer(settings(name, weight_decay=0.5), [weight]).step()
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
        make_optimizer(settings("lion"), [nn.Parameter(torch.zeros(1))])


def test_a_method_is_the_settings_of_its_optimizer() -> None:
    """Its hyper-parameters have the names that a recipe has; no method takes Nesterov's step."""
    method = UNSIR(optimizer="sgd", learning_rate=0.3, momentum=0.5, weight_decay=0.02)
    optimizer = make_optimizer(method, [nn.Parameter(torch.zeros(1))])
    assert isinstance(optimizer, torch.optim.SGD)
    wanted = {"lr": 0.3, "momentum": 0.5, "weight_decay": 0.02, "nesterov": False}
    assert {key: optimizer.defaults[key] for key in wanted} == wanted
