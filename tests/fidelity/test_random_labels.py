"""Random labels: ours equals the reference in both readings; the reference's steps are known in closed form."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from .closed_forms import PLAIN, X_F, X_R, Weights, one, slope
from .harness import assert_equal, run
from .networks import NETS
from .references import random_labels
from .relabelling_runs import assert_redraw_is_noticed, epochs_of


def compare(kind: str, reading: str) -> None:
    """Two epochs, cosine as by default; batches of five, so that the last ones are smaller."""
    ours = run(f"random_labels@{reading}", kind, {"epochs": 2, "batch_size": 5})
    epochs, wrong_only = epochs_of(ours, reading, 5)
    expected = random_labels.reference(
        ours.original(),
        epochs,
        wrong_only=wrong_only,
        optimizer=ours.optimizer(),
        learning_rates=[0.003, 0.0015],
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "random_labels@paper": partial(compare, reading="paper"),
    "random_labels@code": partial(compare, reading="code"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_labels_drawn_at_other_times_are_noticed() -> None:
    assert_redraw_is_noticed(COMPARISONS["random_labels@paper"], redrawn=True)
    assert_redraw_is_noticed(COMPARISONS["random_labels@code"], redrawn=False)


def test_a_step_trains_on_the_drawn_label() -> None:
    steps: list[list[Any]] = [[("forget", *one(X_F), torch.tensor([1])), ("retain", *one(X_R))]]
    result = random_labels.reference(Weights(1.0), steps, wrong_only=True, **PLAIN)
    w = 1.0 - 0.1 * slope(1.0, X_F, label=1)
    assert result.values() == pytest.approx([w - 0.1 * slope(w, X_R)], rel=1e-14)


def test_the_wrong_order_and_the_true_class_are_refused() -> None:
    forget, retain = ("forget", *one(X_F), torch.tensor([0])), ("retain", *one(X_R))
    with pytest.raises(ValueError, match="before"):
        random_labels.reference(Weights(1.0), [[retain, forget]], wrong_only=False, **PLAIN)
    with pytest.raises(ValueError, match="true class"):
        random_labels.reference(Weights(1.0), [[forget, retain]], wrong_only=True, **PLAIN)
