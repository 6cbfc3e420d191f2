"""Schedules and optimizers, against torch's own."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.optim import lr_scheduler

from reunlearn.training.optimizers import make_optimizer, rate_at, set_rate

STEPS, BASE = 12, 0.3


def torch_rates(make: object, **settings: object) -> list[float]:
    """Return the rate of each step under one of torch's schedulers."""
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=BASE)
    scheduler = make(optimizer, **settings)
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def our_rates(schedule: str, *more: object) -> list[float]:
    return [rate_at(schedule, BASE, step, STEPS, *more) for step in range(STEPS)]


def test_cosine_is_that_of_torch() -> None:
    assert our_rates("cosine") == pytest.approx(torch_rates(lr_scheduler.CosineAnnealingLR, T_max=STEPS))


def test_multistep_is_that_of_torch() -> None:
    theirs = torch_rates(lr_scheduler.MultiStepLR, milestones=[4, 9], gamma=0.1)
    assert our_rates("multistep", (4, 9)) == pytest.approx(theirs)
    assert our_rates("multistep", (5, 9)) != pytest.approx(theirs)


@pytest.mark.parametrize("end", [0.001, 0.1])
def test_linear_is_that_of_torch_with_the_end_in_the_last_step(end: float) -> None:
    settings = {"start_factor": 1.0, "end_factor": end, "total_iters": STEPS - 1}
    assert our_rates("linear", (), end) == pytest.approx(torch_rates(lr_scheduler.LinearLR, **settings))
    assert our_rates("linear", (), end)[-1] == pytest.approx(end * BASE)


def test_constant_stays() -> None:
    assert our_rates("constant") == torch_rates(lr_scheduler.ConstantLR, factor=1.0)


def test_one_step_is_the_start_of_every_schedule() -> None:
    for schedule in ("constant", "cosine", "linear", "multistep"):
        assert rate_at(schedule, BASE, 0, 1) == BASE


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="no schedule 'step'"):
        rate_at("step", BASE, 0, 1)
    with pytest.raises(ValueError, match="no optimizer 'lion'"):
        make_optimizer("lion", [nn.Parameter(torch.zeros(1))], 0.1)


def test_sgd_steps_by_its_formula() -> None:
    weight = nn.Parameter(torch.tensor([2.0]))
    optimizer = make_optimizer("sgd", [weight], 0.1, momentum=0.5, weight_decay=0.01)
    value, velocity = 2.0, 0.0
    for gradient in (1.0, -3.0, 0.5):
        weight.grad = torch.tensor([gradient])
        optimizer.step()
        velocity = 0.5 * velocity + gradient + 0.01 * value
        value -= 0.1 * velocity
        assert weight.item() == pytest.approx(value)


def test_adamw_decays_weights_and_adam_decays_through_the_gradient() -> None:
    weights = {}
    for name in ("adam", "adamw"):
        weight = nn.Parameter(torch.tensor([2.0]))
        weight.grad = torch.tensor([0.0])
        make_optimizer(name, [weight], 0.1, weight_decay=0.5).step()
        weights[name] = weight.item()
    assert weights["adamw"] == pytest.approx(2.0 * (1 - 0.1 * 0.5))
    assert weights["adam"] == pytest.approx(2.0 - 0.1, abs=1e-4)


def test_set_rate_reaches_every_group() -> None:
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (0.1, 0.2)]
    optimizer = torch.optim.SGD(groups)
    set_rate(optimizer, 0.7)
    assert [group["lr"] for group in optimizer.param_groups] == [0.7, 0.7]
