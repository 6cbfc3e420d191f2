from __future__ import annotations

import copy

import pytest

from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, Seen, assert_same, distance, run

SETTINGS = {"learning_rate": 0.1, "epochs": 2, "batch_size": 2, "forget_batch_size": 4}


def order(seen: list[Seen]) -> list[list[int]]:
    return [one.batch.index.tolist() for one in seen[1::2]]


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("cycle", ["repeat", "reshuffle"])
def test_equals_the_weighted_difference(network: str, cycle: str) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("neg_grad_plus", model, {**SETTINGS, "alpha": 0.7, "cycle": cycle})
    assert len(seen) == 2 * 2 * 5  # epochs, losses, retain batches
    expected = copy.deepcopy(model).train()
    optimizer = SlowSGD(expected, 0.0, 0.0)
    for retain, forget in zip(seen[::2], seen[1::2], strict=True):
        assert retain.batch.index.min() >= 6 > forget.batch.index.max()
        g_r = gradient(expected, mean_loss(expected, retain))
        g_f = gradient(expected, mean_loss(expected, forget))
        optimizer.step({n: 0.7 * g_r[n] - 0.3 * g_f[n] for n in g_r}, 0.1)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


def test_an_epoch_repeats_its_first_forget_batches() -> None:
    for seed in range(5):
        _, seen = run("neg_grad_plus", NETWORKS["two_layer"](), SETTINGS, seed=seed)
        first, second = order(seen)[:5], order(seen)[5:]
        for epoch in (first, second):
            assert epoch[0] == epoch[2] == epoch[4]
            assert epoch[1] == epoch[3]
            assert sorted(epoch[0] + epoch[1]) == list(range(6))
        if first != second:
            return
    raise AssertionError("each epoch begins with the same order")


def test_reshuffled_passes_differ() -> None:
    _, seen = run("neg_grad_plus", NETWORKS["two_layer"](), {**SETTINGS, "cycle": "reshuffle"})
    epoch = order(seen)[:5]
    assert sorted(epoch[0] + epoch[1]) == sorted(epoch[2] + epoch[3]) == list(range(6))
    assert epoch[0] != epoch[2]


def test_alpha_of_one_is_descent_on_retain() -> None:
    model = NETWORKS["two_layer"]()
    alone, seen = run("neg_grad_plus", model, {**SETTINGS, "alpha": 1.0})
    expected = copy.deepcopy(model)
    optimizer = SlowSGD(expected, 0.0, 0.0)
    for retain in seen[::2]:
        optimizer.step(gradient(expected, mean_loss(expected, retain)), 0.1)
    assert_same(alone, expected)
    ascending, _ = run("neg_grad_plus", model, {**SETTINGS, "alpha": 0.5})
    assert distance(alone, ascending) > 1e-3
