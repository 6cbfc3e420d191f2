"""SalUn: ours equals the reference in both readings; the reference's mask is known in closed form."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from .closed_forms import Weights, one, sigmoid
from .harness import assert_equal, run
from .networks import NETS
from .references import salun
from .references._samples import joined
from .relabelling_runs import assert_redraw_is_noticed, epochs_of


def compare(kind: str, reading: str, hold: bool = True) -> None:
    """Half of the weights; by the paper every forget sample weighs the same in the mask."""
    settings = {"epochs": 2, "batch_size": 5, "hold": hold, "weight_decay": 0.1}
    ours = run(f"salun@{reading}", kind, settings)
    mask_batches = ours.batches("forget")[:2]  # five images and one
    assert [batch.set for batch in ours.drawn[:2]] == ["forget"] * 2
    assert [len(y) for _, y in mask_batches] == [5, 1]
    if reading == "paper":
        mask_batches = [joined(mask_batches)]
    epochs, wrong_only = epochs_of(ours, reading, 5, skipped=2)
    expected = salun.reference(
        ours.original(),
        epochs,
        mask_batches=mask_batches,
        fraction=0.5,
        hold="exact" if hold else "gradient_only",
        wrong_only=wrong_only,
        optimizer=ours.optimizer(),
        learning_rates=0.013,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "salun@paper": partial(compare, reading="paper"),
    "salun@code": partial(compare, reading="code"),
    "salun@paper: not held": partial(compare, reading="paper", hold=False),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_labels_drawn_at_other_times_are_noticed() -> None:
    assert_redraw_is_noticed(COMPARISONS["salun@paper"], redrawn=True)
    assert_redraw_is_noticed(COMPARISONS["salun@code"], redrawn=False)


@pytest.mark.parametrize(("hold", "held"), [("exact", 1.0), ("gradient_only", 1.0 - 0.1 * 0.5)])
def test_the_steepest_half_moves(hold: str, held: float) -> None:
    settings: dict[str, Any] = {"optimizer": {"name": "sgd", "weight_decay": 0.5}, "learning_rates": 0.1}
    mask = [one(3.0, -4.0)]
    step = ("retain", *one(1.0, 1.0))
    result = salun.reference(
        Weights(1.0, 1.0), [[step]], mask_batches=mask, fraction=0.5, hold=hold, wrong_only=True, **settings
    )
    moved = 1.0 - 0.1 * ((sigmoid(2.0) - 1) + 0.5)
    assert result.values() == pytest.approx([held, moved], rel=1e-14)


def test_the_mask_sums_batches_before_the_absolute_value() -> None:
    opposite = [one(5.0, 1.0), one(-5.0, 1.0)]  # at w = 0 the first entry's gradients cancel
    assert salun.saliency_mask(Weights(0.0, 0.0), opposite, 0.5)["w"].tolist() == [0.0, 1.0]
