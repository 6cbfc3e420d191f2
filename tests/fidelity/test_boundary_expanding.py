"""Boundary expanding: ours equals the reference in both readings; one step of the reference is worked out."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from .batches import normal
from .harness import Run, assert_equal, run
from .networks import CLASSES, NETS, linear
from .references import boundary_expanding

SETTINGS = {"epochs": 2, "batch_size": 4, "learning_rate": 0.05, "weight_decay": 1e-3}
SGD = {"name": "sgd", "momentum": 0.9, "weight_decay": 1e-3}


def new_unit(ours: Run, reading: str) -> tuple[Tensor, float]:
    """Return the weights and the bias of the fresh unit, as drawn."""
    inputs = ours.before.head.in_features
    if reading == "paper":
        return math.sqrt(2 / (inputs + CLASSES + 1)) * ours.draws("randn")[0].double(), 0.0
    both = (2 * ours.draws("rand")[0] - 1) / math.sqrt(inputs)
    return both[:-1].double(), float(both[-1])


def compare(kind: str, reading: str) -> None:
    """With the fresh unit gone both readings return K outputs, and tell what it had won."""
    ours = run(f"boundary_expanding@{reading}", kind, SETTINGS)
    row, bias = new_unit(ours, reading)
    per_pass = 2  # the last pass is for what the unit had won
    data = {"forget": ours.batches("forget")[: SETTINGS["epochs"] * per_pass]}
    step: dict[str, Any] = {"optimizer": SGD, "learning_rate": 0.05}
    expected, expanded = (
        boundary_expanding.reference(
            ours.original(), data, last="head", new_row=row, new_bias=bias, prune=prune, **step
        )
        for prune in (True, False)
    )
    assert_equal(ours, expected)
    x, y = ours.whole("forget")
    with torch.no_grad():
        guess = expanded.eval()(x).argmax(dim=1)
    assert ours.logged[-1]["extra_share"] == float((guess == CLASSES).double().mean())
    assert ours.logged[-1]["forget_accuracy_expanded"] == float((guess == y).double().mean())


COMPARISONS = {
    "boundary_expanding@paper": partial(compare, reading="paper"),
    "boundary_expanding@code": partial(compare, reading="code"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


@pytest.mark.parametrize("prune", [True, False])
def test_one_step_and_pruning(prune: bool) -> None:
    weight, row, x = normal(CLASSES, 2, seed=1), normal(2, seed=2), normal(4, 2, seed=3)
    wide = torch.cat([weight, row[None]])
    target = torch.zeros(4, 4, dtype=torch.float64)
    target[:, 3] = 1.0
    wide_after = wide - 0.5 * (torch.softmax(x @ wide.T, 1) - target).T @ x / 4
    data = {"forget": [(x, torch.zeros(4, dtype=torch.long))]}
    model = nn.Sequential(linear(weight))
    step: dict[str, Any] = {"optimizer": {"name": "sgd"}, "learning_rate": 0.5}
    boundary_expanding.reference(model, data, last="0", new_row=row, prune=prune, **step)
    torch.testing.assert_close(model[0].weight.detach(), wide_after[:3] if prune else wide_after)
