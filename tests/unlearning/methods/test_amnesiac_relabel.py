from __future__ import annotations

import copy

import pytest

from tests.unlearning.methods.double_precision import ByHandAdamW, gradient_by_tensor
from tests.unlearning.methods.slow import mean_loss
from tests.unlearning.methods.small import CLASSES, NETWORKS, assert_same, distance, run


@pytest.mark.parametrize("network", NETWORKS)
def test_equals_adam_on_the_labels_drawn(network: str) -> None:
    model = NETWORKS[network]()
    unlearned, seen = run("amnesiac_relabel", model, {"learning_rate": 0.01})
    assert len(seen) == 3 * 4  # epochs, batches of 4 of 15 samples
    expected = copy.deepcopy(model).train()
    optimizer = ByHandAdamW(expected, 0.0)
    for one in seen:
        optimizer.step(gradient_by_tensor(expected, mean_loss(expected, one)), 0.01)
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-3


def test_labels_are_wrong_and_stay() -> None:
    _, seen = run("amnesiac_relabel", NETWORKS["two_layer"](), {})
    learnt: dict[int, set[int]] = {}
    for one in seen:
        for index, label in zip(one.batch.index.tolist(), one.draw.tolist(), strict=True):
            learnt.setdefault(index, set()).add(label)
    assert len(learnt) == 15
    for index, labels in learnt.items():
        assert len(labels) == 1, "a label was drawn anew"
        assert (labels == {index % CLASSES}) == (index >= 6)


def test_both_sets_are_mixed() -> None:
    _, seen = run("amnesiac_relabel", NETWORKS["two_layer"](), {})
    assert any(one.batch.index.min() < 6 <= one.batch.index.max() for one in seen)
