"""NegGrad: ours equals the reference, whose step is known in closed form."""

from __future__ import annotations

from typing import Any

import pytest

from .closed_forms import PAIR, PLAIN, X_F, X_R, Weights, slope
from .harness import assert_equal, in_epochs, paired, run
from .networks import NETS
from .references import neg_grad


def compare(kind: str) -> None:
    """Two epochs of two pairs; the header of ours says which forward comes first."""
    weights = {"forget_weight": 0.4, "retain_weight": 0.6}
    ours = run("neg_grad", kind, {"epochs": 2, "batch_size": 3, **weights})
    steps = paired(ours.drawn_from("forget"), ours.drawn_from("retain"))
    expected = neg_grad.reference(
        ours.original(),
        in_epochs(steps, 2),
        optimizer=ours.optimizer(),
        learning_rates=1e-4,
        **weights,
    )
    assert_equal(ours, expected)


COMPARISONS = {"neg_grad": compare}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_the_order_of_the_forwards_shows() -> None:
    """Only BatchNorm's running statistics tell which batch came first."""
    ours = run("neg_grad", "small_conv", {"epochs": 1, "batch_size": 3})
    steps = [paired(ours.drawn_from("forget"), ours.drawn_from("retain"))]
    settings: dict[str, Any] = {"optimizer": ours.optimizer(), "learning_rates": 1e-4}
    other = neg_grad.reference(ours.original(), steps, forward_order="forget_first", **settings)
    with pytest.raises(AssertionError):
        assert_equal(ours, other)


def test_a_step_is_the_weighted_difference() -> None:
    w_f, w_r = 0.3, 0.7
    result = neg_grad.reference(Weights(1.0), PAIR, forget_weight=w_f, retain_weight=w_r, **PLAIN)
    expected = 1.0 + 0.1 * (w_f * slope(1.0, X_F) - w_r * slope(1.0, X_R))
    assert result.values() == pytest.approx([expected], rel=1e-14)
