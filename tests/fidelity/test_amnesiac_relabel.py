"""Amnesiac by relabelling: ours equals the reference, whose step is known in closed form."""

from __future__ import annotations

import pytest
import torch

from .closed_forms import PLAIN, X_F, X_R, Weights, one, slope
from .harness import assert_equal, in_epochs, run
from .networks import NETS
from .references import amnesiac_relabel
from .references._samples import joined
from .relabelling_runs import assert_redraw_is_noticed, labels_for, pairs_of


def compare(kind: str) -> None:
    """Three epochs of Adam on one set."""
    ours = run("amnesiac_relabel", kind, {"batch_size": 5})
    pairs = pairs_of(ours.drawn)
    wrong: dict[int, int] = {}
    for labels in labels_for(ours, [f for f, _ in pairs], None):
        wrong |= labels
    assert sorted(wrong) == list(range(6))
    steps = [(*joined([(f.x, f.y), (r.x, r.y)]), torch.cat([f.index, r.index])) for f, r in pairs]
    expected = amnesiac_relabel.reference(
        ours.original(),
        in_epochs(steps, 4),
        wrong_labels=wrong,
        optimizer={"name": "adam"},
        learning_rates=1e-4,
    )
    assert len(steps) == 12
    assert_equal(ours, expected)


COMPARISONS = {"amnesiac_relabel": compare}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_labels_drawn_anew_are_noticed() -> None:
    assert_redraw_is_noticed(COMPARISONS["amnesiac_relabel"], redrawn=True)


def test_labels_are_put_in_by_index() -> None:
    x, y = torch.cat([one(X_F)[0], one(X_R)[0]]), torch.tensor([0, 0])
    steps = [[(x, y, torch.tensor([7, 4]))]]
    result = amnesiac_relabel.reference(Weights(1.0), steps, wrong_labels={7: 1}, **PLAIN)
    expected = 1.0 - 0.1 * (slope(1.0, X_F, label=1) + slope(1.0, X_R)) / 2
    assert result.values() == pytest.approx([expected], rel=1e-14)
    with pytest.raises(ValueError, match="true label"):
        amnesiac_relabel.reference(Weights(1.0), steps, wrong_labels={7: 0}, **PLAIN)
