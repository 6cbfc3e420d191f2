from __future__ import annotations

import copy

import pytest

from reunlearn.unlearning.registry import card
from tests.unlearning.methods.slow import SlowSGD, gradient, mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, Seen, assert_same, distance, make_sets, run

FORGET, RETAIN = set(range(6)), set(range(6, 15))


def labels_by_epoch(seen: list[Seen], epochs: int) -> list[dict[int, int]]:
    """Return {index: label learnt} of each epoch; every sample comes once in each."""
    per_epoch = len(seen) // epochs
    found = []
    for start in range(0, len(seen), per_epoch):
        entries = [
            (int(i), int(label))
            for one in seen[start : start + per_epoch]
            for i, label in zip(one.batch.index, one.draw, strict=True)
        ]
        assert sorted(i for i, _ in entries) == sorted(FORGET | RETAIN)
        found.append(dict(entries))
    return found


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("order", ["shuffled", "forget_first"])
def test_equals_plain_descent_on_the_labels_drawn(network: str, order: str) -> None:
    model = NETWORKS[network]()
    settings = {"epochs": 2, "learning_rate": 0.1, "schedule": "constant", "order": order}
    unlearned, seen = run("random_labels", model, settings)
    expected = copy.deepcopy(model).train()
    optimizer = SlowSGD(expected, 0.9, 5e-4)
    for one in seen:
        optimizer.step(gradient(expected, mean_loss(expected, one)), 0.1)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


@pytest.mark.parametrize("rule", ["other_label", "random_label"])
@pytest.mark.parametrize("redraw", ["once", "epoch"])
def test_labels_follow_the_rule(rule: str, redraw: str) -> None:
    settings = {"epochs": 4, "label_rule": rule, "redraw": redraw}
    _, seen = run("random_labels", NETWORKS["two_layer"](), settings)
    epochs = labels_by_epoch(seen, 4)
    for labels in epochs:
        assert all(labels[i] == i % CLASSES for i in RETAIN)
        assert rule == "random_label" or all(labels[i] != i % CLASSES for i in FORGET)
    assert (rule == "random_label") == any(labels[i] == i % CLASSES for labels in epochs for i in FORGET)
    wrong = [{i: labels[i] for i in FORGET} for labels in epochs]
    assert (redraw == "once") == all(labels == wrong[0] for labels in wrong)


@pytest.mark.parametrize("order", ["shuffled", "forget_first"])
def test_order_of_an_epoch(order: str) -> None:
    _, seen = run("random_labels", NETWORKS["two_layer"](), {"epochs": 1, "order": order})
    kinds = [{int(i) in FORGET for i in one.batch.index} for one in seen]
    if order == "forget_first":
        assert kinds == [{True}] * 2 + [{False}] * 3
    else:
        assert len(seen) == 4
        assert {True, False} in kinds


def test_the_two_repositories_are_the_two_readings() -> None:
    """Paper: SFR-on's repository. Code: Unlearn-Saliency, whose redraw and order are those of CIFAR-10."""
    model = NETWORKS["conv_net"]()
    differ = {
        key: entry for key, entry in card("random_labels").hyperparameters.items() if entry.follows_reading
    }
    assert set(differ) == {"label_rule", "redraw", "order"}
    assert len(card("random_labels").divergences) == len(differ)
    runs = {}
    for reading in ("paper", "code"):
        other = "paper" if reading == "code" else "code"
        runs[reading], _ = run("random_labels", model, {"epochs": 3}, reading=reading)
        by_hand = {key: entry.of_reading(reading) for key, entry in differ.items()}
        same, _ = run("random_labels", model, {"epochs": 3, **by_hand}, reading=other)
        assert distance(same, runs[reading]) == 0
    assert distance(runs["paper"], runs["code"]) > 1e-6
    _, seen = run("random_labels", model, {"epochs": 1, "order": "shuffled"}, reading="code")
    assert {True, False} in [{int(i) in FORGET for i in one.batch.index} for one in seen], "as on CIFAR-100"


def test_more_to_forget_than_to_retain() -> None:
    _, seen = run("random_labels", NETWORKS["conv_net"](), {"epochs": 1}, sets=make_sets(12, 3))
    assert sorted(int(i) for one in seen for i in one.batch.index) == list(range(15))
