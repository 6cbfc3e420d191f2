"""Label correction by one gradient step, against sums taken sample by sample."""

from __future__ import annotations

import pytest
import torch

from reunlearn.unlearning.label_correction import misclassified
from reunlearn.unlearning.task import Task
from tests.unlearning.methods.flipped import (
    FORGET,
    TRUE,
    flipped_sets,
    learnt,
    right_and_wrong,
    slow_change,
    unlearn,
)
from tests.unlearning.methods.small import CLASSES, NETWORKS, Recorder, assert_same, distance


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("points", ["misclassified", "forget"])
@pytest.mark.parametrize("last", [1, 2, 100])
def test_equals_the_summed_correction(network: str, points: str, last: int) -> None:
    model = learnt(network)
    unlearned, history = unlearn("warnecke_first_order", model, points=points, last_tensors=last, tau=0.01)
    assert history[-1]["points"] > 0
    names = [name for name, _ in model.named_parameters()][-last:]
    change = slow_change(model, points)
    expected = learnt(network)
    for name, p in expected.named_parameters():
        if name in names:
            p.data = p.data - 0.01 * change[name]
    assert_same(unlearned, expected)
    assert distance(unlearned, model) > 1e-6
    assert all(p.requires_grad for p in unlearned.parameters())


def test_scenario_decides_which_points_change() -> None:
    model = learnt("two_layer")
    default = unlearn("warnecke_first_order", model, scenario="label_flip")[0]
    assert_same(default, unlearn("warnecke_first_order", model, points="misclassified")[0], 0)
    default = unlearn("warnecke_first_order", model, scenario="class")[0]
    forget = unlearn("warnecke_first_order", model, points="forget")[0]
    assert_same(default, forget, 0)
    assert distance(forget, unlearn("warnecke_first_order", model, points="misclassified")[0]) > 1e-6


def test_it_corrects_labels_and_removes_what_was_right() -> None:
    """Small steps lower the loss of the true labels on flipped samples and raise it on those that go."""
    model = learnt("two_layer")
    before = right_and_wrong(model)
    after = right_and_wrong(unlearn("warnecke_first_order", model, points="forget", tau=1e-3)[0])
    assert after["flipped"] < before["flipped"]
    assert after["kept"] > before["kept"]


def test_more_wrong_samples_than_it_takes_are_drawn() -> None:
    model = learnt("two_layer")
    kept = [
        unlearn("warnecke_first_order", model, points="misclassified", largest=2, seed=s)[0]
        for s in (0, 0, 5)
    ]
    assert_same(kept[0], kept[1], 0)
    assert distance(kept[0], kept[2]) > 1e-9
    assert distance(kept[0], unlearn("warnecke_first_order", model, points="misclassified")[0]) > 1e-9


def test_drawn_samples_keep_their_own_labels() -> None:
    model = NETWORKS["two_layer"]().eval()  # knows nothing: errs on both sets
    task = Task(
        flipped_sets(), {"forget", "retain", "true_labels"}, Recorder(), CLASSES, seed=1, true_labels=TRUE
    )
    seen = []
    for points in (p for _ in range(5) for p in misclassified(model, task, largest=3)):
        assert torch.equal(points.old, model(points.batch.x).argmax(dim=1))
        assert torch.equal(points.new, TRUE[points.batch.index])
        assert not (points.old == points.new).any()
        seen += points.batch.index.tolist()
    assert len(seen) == 15
    assert min(seen) < FORGET <= max(seen), "both sets are drawn from"


def test_nothing_wrong_changes_nothing() -> None:
    model = learnt("two_layer", by_heart=True)
    unlearned, history = unlearn("warnecke_first_order", model, points="misclassified", flipped=False)
    assert history == [{"step": 1, "points": 0}]
    assert all(torch.equal(a, b) for a, b in zip(unlearned.parameters(), model.parameters(), strict=True))
