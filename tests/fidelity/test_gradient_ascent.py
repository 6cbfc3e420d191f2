"""Gradient ascent: ours equals the reference, whose step is known in closed form."""

from __future__ import annotations

from typing import Any

import pytest

from .closed_forms import PLAIN, Weights, one, slope
from .harness import assert_equal, in_epochs, run
from .networks import NETS
from .references import gradient_ascent


def compare_by_default(kind: str) -> None:
    """As Unlearn-Saliency has it."""
    ours = run("gradient_ascent", kind, {"epochs": 2, "batch_size": 4})
    expected = gradient_ascent.reference(
        ours.original(),
        in_epochs(ours.batches("forget"), 2),
        optimizer=ours.optimizer(),
        learning_rates=1e-4,
    )
    assert_equal(ours, expected)


def compare_clipped(kind: str) -> None:
    """As SFR-on has it: the network in evaluation mode, the gradient's norm at most 0.1."""
    ours = run("gradient_ascent", kind, {"epochs": 2, "batch_size": 4, "bn_mode": "network", "clip": 0.1})
    settings: dict[str, Any] = {"optimizer": ours.optimizer(), "learning_rates": 1e-4, "mode": "eval"}
    epochs = in_epochs(ours.batches("forget"), 2)
    assert_equal(ours, gradient_ascent.reference(ours.original(), epochs, clip_norm=0.1, **settings))
    with pytest.raises(AssertionError):  # the norm is above 0.1 somewhere
        assert_equal(ours, gradient_ascent.reference(ours.original(), epochs, **settings))


COMPARISONS = {"gradient_ascent": compare_by_default, "gradient_ascent: clipped": compare_clipped}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_a_step_and_its_clipping() -> None:
    steep = -slope(1.0, -5.0)
    result = gradient_ascent.reference(Weights(1.0), [[one(-5.0)]], **PLAIN)
    assert result.values() == pytest.approx([1.0 - 0.1 * steep], rel=1e-14)
    result = gradient_ascent.reference(Weights(1.0), [[one(-5.0)]], clip_norm=0.1, **PLAIN)
    clipped = steep * 0.1 / (abs(steep) + 1e-6)
    assert result.values() == pytest.approx([1.0 - 0.1 * clipped], rel=1e-14)
