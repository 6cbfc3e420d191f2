"""NegGrad+: ours equals the reference, whose step is known in closed form."""

from __future__ import annotations

from functools import partial

import pytest

from .closed_forms import PAIR, PLAIN, X_F, X_R, Weights, slope
from .harness import assert_equal, in_epochs, run
from .networks import NETS
from .references import neg_grad_plus


def compare(kind: str, cycle: str) -> None:
    """Three retain batches an epoch beside two of forget, of which the first comes again or a third is new."""
    settings = {"epochs": 2, "batch_size": 4, "forget_batch_size": 3, "alpha": 0.7, "cycle": cycle}
    ours = run("neg_grad_plus", kind, settings)
    forget = in_epochs(ours.batches("forget"), 2 if cycle == "repeat" else 3)
    retain = in_epochs(ours.batches("retain"), 3)
    expected = neg_grad_plus.reference(
        ours.original(),
        [neg_grad_plus.cycled(f, r) for f, r in zip(forget, retain, strict=True)],
        alpha=0.7,
        optimizer=ours.optimizer(),
        learning_rates=0.01,
    )
    assert_equal(ours, expected)


COMPARISONS = {
    "neg_grad_plus": partial(compare, cycle="repeat"),
    "neg_grad_plus: reshuffled": partial(compare, cycle="reshuffle"),
}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_a_step_is_the_weighted_difference() -> None:
    result = neg_grad_plus.reference(Weights(1.0), PAIR, alpha=0.7, **PLAIN)
    expected = 1.0 + 0.1 * (0.3 * slope(1.0, X_F) - 0.7 * slope(1.0, X_R))
    assert result.values() == pytest.approx([expected], rel=1e-14)


def test_the_forget_batches_are_cycled() -> None:
    assert neg_grad_plus.cycled([("f0",), ("f1",)], [("r0",), ("r1",), ("r2",)]) == [
        ("f0", "r0"),
        ("f1", "r1"),
        ("f0", "r2"),
    ]
