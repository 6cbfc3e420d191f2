"""Schedules: torch's schedulers against closed forms, warm-up included, and moved to where a training stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from reunlearn.study.recipes import Recipe
from reunlearn.training.schedules import SCHEDULES, advance, make_schedule, schedule_over

BASE, EPOCHS = 0.3, 12


def sgd(weight: nn.Parameter | None = None) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        [nn.Parameter(torch.zeros(1)) if weight is None else weight], lr=BASE, momentum=0.9
    )


def rates(name: str, steps: int = EPOCHS, **more: Any) -> list[float]:
    """Return the rate of each step, the schedule stepped after the optimizer as in training."""
    optimizer = sgd()
    return followed(optimizer, schedule_over(optimizer, name, steps, **more), steps)


def followed(optimizer: torch.optim.Optimizer, schedule: LRScheduler, steps: int) -> list[float]:
    """Return the rate of each step of a fresh schedule."""
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        assert schedule.get_last_lr() == [values[-1]]
        optimizer.step()
        schedule.step()
    return values


def same(found: list[float], share: Callable[[int], float], first: int = 0) -> bool:
    """Tell whether the rates are `share` of step 0, 1, … times the base, to floating-point accuracy."""
    return found == pytest.approx(
        [BASE * share(step - first) for step in range(len(found))], rel=1e-12, abs=1e-15
    )


@pytest.mark.parametrize("steps_per_epoch", [1, 400])
def test_each_schedule_is_its_closed_form(steps_per_epoch: int) -> None:
    steps = EPOCHS * steps_per_epoch
    forms: dict[str, Callable[[int], float]] = {
        "constant": lambda t: 1.0,
        "cosine": lambda t: (1 + math.cos(math.pi * t / steps)) / 2,
        "linear": lambda t: 1 + (0.05 - 1) * t / (steps - 1),
        "exponential": lambda t: 0.05 ** (t / (steps - 1)),
        "multistep": lambda t: 0.1 ** ((t >= 4 * steps_per_epoch) + (t >= 9 * steps_per_epoch)),
    }
    assert tuple(forms) == SCHEDULES
    for name, form in forms.items():
        milestones = (4 * steps_per_epoch, 9 * steps_per_epoch) if name == "multistep" else ()
        found = rates(name, steps, end=0.05, milestones=milestones)
        assert same(found, form), name
        if name != "constant":  # the control: one step later is another schedule
            assert not same(found, form, first=1), name


@pytest.mark.parametrize("name", ["linear", "exponential"])
@pytest.mark.parametrize("end", [0.001, 0.1, 1.0])
def test_the_last_rate_is_the_end(name: str, end: float) -> None:
    found = rates(name, end=end)
    assert (found[0], found[-1]) == (BASE, pytest.approx(end * BASE, rel=1e-12))


def test_linear_may_end_at_nothing() -> None:
    assert rates("linear", end=0.0)[-1] == pytest.approx(0.0, abs=1e-16)


@pytest.mark.parametrize("steps_per_epoch", [1, 50])
@pytest.mark.parametrize("name", SCHEDULES)
def test_warm_up_rises_in_equal_steps_and_the_rest_is_the_schedule(name: str, steps_per_epoch: int) -> None:
    warmup, steps = 3 * steps_per_epoch, EPOCHS * steps_per_epoch
    milestones = (5 * steps_per_epoch, 9 * steps_per_epoch) if name == "multistep" else ()
    found = rates(name, steps, end=0.05, milestones=milestones, warmup=warmup)
    assert same(found[:warmup], lambda t: (t + 1) / warmup)
    earlier = tuple(m - warmup for m in milestones)  # milestones count from the start of the training
    rest = rates(name, steps - warmup, end=0.05, milestones=earlier)
    assert found[warmup:] == pytest.approx(rest, rel=1e-12, abs=1e-15)


def test_one_step_has_the_full_rate_under_every_schedule() -> None:
    for name in SCHEDULES:
        assert rates(name, steps=1) == [BASE]


def test_no_step_at_all_is_allowed() -> None:
    for name in SCHEDULES:
        assert schedule_over(sgd(), name, 0).get_last_lr() == [BASE]


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(ValueError, match="no schedule 'step'; known: constant, cosine"):
        schedule_over(sgd(), "step", 3)


@pytest.mark.parametrize("per", ["epoch", "step"])
@pytest.mark.parametrize("name", SCHEDULES)
def test_a_recipes_schedule_counts_in_its_epochs(name: str, per: str) -> None:
    """50 samples in batches of 16 are four steps an epoch; what is said in epochs is stretched by them."""
    each = 4 if per == "step" else 1
    shape = {"milestones": (5, 9)} if name == "multistep" else {"schedule_end": 0.05}
    common = {"epochs": EPOCHS, "batch_size": 16, "learning_rate": BASE, "warmup_epochs": 2}
    recipe = Recipe(schedule=name, schedule_per=per, **common, **shape)
    optimizer = sgd()
    values = followed(optimizer, make_schedule(recipe, optimizer, 50), EPOCHS * each)
    wanted = {"milestones": [5 * each, 9 * each]} if name == "multistep" else {"end": 0.05}
    assert values == rates(name, EPOCHS * each, warmup=2 * each, **wanted)


@pytest.mark.parametrize("warmup", [0, 3])
@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("done", [1, 3, 8])
def test_advancing_gives_the_bits_of_stepping_and_moves_nothing(name: str, warmup: int, done: int) -> None:
    milestones = (5, 9) if name == "multistep" else ()
    expected = rates(name, milestones=milestones, warmup=warmup)
    weight = nn.Parameter(torch.tensor([2.0]))
    weight.grad = torch.tensor([1.0])  # left over from before: not to be applied
    optimizer = sgd(weight)
    schedule = schedule_over(optimizer, name, EPOCHS, milestones=milestones, warmup=warmup)
    advance(schedule, done)
    assert schedule.last_epoch == done
    found = []
    for _ in range(done, EPOCHS):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert found == expected[done:]
    assert weight.item() == 2.0
    assert not optimizer.state[weight]
