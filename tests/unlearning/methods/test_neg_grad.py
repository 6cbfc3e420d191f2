from __future__ import annotations

import copy

import pytest

from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import NETWORKS, Seen, assert_same, distance, make_sets, run

SGD = {"optimizer": "sgd", "learning_rate": 0.1, "epochs": 2}


def is_forget(one: Seen) -> bool:
    return all(int(i) < 6 for i in one.batch.index)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize(("forget_weight", "retain_weight"), [(1.0, 1.0), (0.3, 0.7)])
def test_equals_weighted_gradients(network: str, forget_weight: float, retain_weight: float) -> None:
    model = NETWORKS[network]()
    weights = {"forget_weight": forget_weight, "retain_weight": retain_weight}
    unlearned, seen = run("neg_grad", model, {**SGD, **weights})
    expected = copy.deepcopy(model).train()
    optimizer = SlowSGD(expected, 0.9, 0.01)
    for retain, forget in zip(seen[::2], seen[1::2], strict=True):
        assert not is_forget(retain)
        assert is_forget(forget)
        g_r = gradient(expected, mean_loss(expected, retain))
        g_f = gradient(expected, mean_loss(expected, forget))
        optimizer.step({n: retain_weight * g_r[n] - forget_weight * g_f[n] for n in g_r}, 0.1)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


@pytest.mark.parametrize(("pairing", "steps"), [("shorter", 2), ("forget", 2), ("retain", 3)])
def test_an_epoch_ends_with_the_set_named(pairing: str, steps: int) -> None:
    _, seen = run("neg_grad", NETWORKS["two_layer"](), {"epochs": 1, "pairing": pairing})
    assert len(seen) == 2 * steps


def test_the_set_named_ends_an_epoch_when_forget_is_longer() -> None:
    sets = make_sets(12, 3)
    for pairing, steps in {"shorter": 1, "forget": 3}.items():
        _, seen = run("neg_grad", NETWORKS["two_layer"](), {"epochs": 1, "pairing": pairing}, sets=sets)
        assert len(seen) == 2 * steps


def test_without_weight_on_forget_it_descends_on_retain() -> None:
    model = NETWORKS["two_layer"]()
    losses = {}
    for weight in (0.0, 5.0):
        unlearned, seen = run("neg_grad", model, {**SGD, "epochs": 6, "forget_weight": weight})
        forget = next(one for one in seen if is_forget(one))
        losses[weight] = (mean_loss(unlearned, forget) - mean_loss(model, forget)).item()
    assert losses[5.0] > 0.5
    assert losses[0.0] < losses[5.0]
