from __future__ import annotations

import copy

import pytest

from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, assert_same, distance, run


@pytest.mark.parametrize("network", NETWORKS)
def test_equals_plain_descent_on_retain(network: str) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("finetune", model, {"epochs": 2, "learning_rate": 0.1, "schedule": "cosine"})
    expected = copy.deepcopy(model)
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    for number, one in enumerate(seen):
        rate = 0.1 if number < 3 else 0.05  # cosine: (1 + cos 0)/2, then (1 + cos π/2)/2
        optimizer.step(gradient(expected, mean_loss(expected.train(), one)), rate)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


def test_each_epoch_sees_retain_once_and_forget_never() -> None:
    _, seen = run("finetune", NETWORKS["two_layer"](), {"epochs": 2})
    orders = [[int(i) for one in half for i in one.batch.index] for half in (seen[:3], seen[3:])]
    assert [sorted(order) for order in orders] == [list(range(6, 15))] * 2
    assert orders[0] != orders[1]


def test_linear_tenth_falls_in_every_step_and_ends_at_a_tenth() -> None:
    model = NETWORKS["two_layer"]()
    settings = {"epochs": 2, "learning_rate": 0.1, "schedule": "linear_tenth"}
    unlearned, seen = run("finetune", model, settings)
    expected = copy.deepcopy(model)
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    for number, one in enumerate(seen):
        rate = 0.1 * (1 - 0.9 * number / (len(seen) - 1))
        optimizer.step(gradient(expected, mean_loss(expected.train(), one)), rate)
    assert_same(unlearned, expected)
    per_epoch, _ = run("finetune", model, {**settings, "schedule": "linear"})
    assert distance(unlearned, per_epoch) > 1e-3
