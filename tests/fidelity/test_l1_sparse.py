"""L1-sparse fine-tuning: ours equals the reference, whose penalty is known in closed form."""

from __future__ import annotations

import pytest

from .closed_forms import PLAIN, Weights, one
from .harness import assert_equal, in_epochs, run
from .networks import NETS
from .references import l1_sparse


def compare(kind: str) -> None:
    """The penalty falls over two epochs and is gone in the third."""
    ours = run("l1_sparse", kind, {"epochs": 3, "batch_size": 4, "alpha": 0.01, "free_epochs": 1})
    expected = l1_sparse.reference(
        ours.original(),
        in_epochs(ours.batches("retain"), 3),
        alpha=0.01,
        no_l1_epochs=1,
        optimizer=ours.optimizer(),
        learning_rates=0.01,
    )
    assert_equal(ours, expected)


COMPARISONS = {"l1_sparse": compare}


@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("name", COMPARISONS)
def test_equals_the_reference(name: str, kind: str) -> None:
    COMPARISONS[name](kind)


def test_the_penalty_falls_linearly_and_pulls_by_sign() -> None:
    assert [l1_sparse.penalty(0.4, e, 5, 1) for e in range(5)] == pytest.approx([0.4, 0.3, 0.2, 0.1, 0.0])
    result = l1_sparse.reference(Weights(-1.0, 0.0), [[one(0.0, 0.0)]], alpha=0.4, **PLAIN)
    assert result.values() == pytest.approx([-1.0 + 0.1 * 0.4, 0.0])
