"""AUC and TPR at low FPR against closed forms and the slow way."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from reunlearn.metrics.ranking import auc, ranking, tpr_at_fpr


def test_auc_equals_the_count_over_all_pairs_with_ties() -> None:
    rng = np.random.default_rng(0)
    member, other = rng.integers(0, 6, 40) + 1, rng.integers(0, 6, 33)
    pairs = member[:, None] - other[None, :]
    assert auc(member, other) == pytest.approx((pairs > 0).mean() + (pairs == 0).mean() / 2, abs=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.5, 2.0])
def test_auc_of_a_gaussian_pair(shift: float) -> None:
    """Scores from N(shift, 1) against N(0, 1) have AUC Φ(shift/√2)."""
    rng = np.random.default_rng(1)
    found = auc(rng.normal(shift, 1, 20_000), rng.normal(0, 1, 20_000))
    assert found == pytest.approx(NormalDist().cdf(shift / 2**0.5), abs=0.01)


def test_extremes() -> None:
    low, high = np.arange(10.0), np.arange(10.0) + 100
    assert (auc(high, low), auc(low, high), auc(low, low)) == (1.0, 0.0, 0.5)
    assert (tpr_at_fpr(high, low), tpr_at_fpr(low, high)) == (1.0, 0.0)
    assert all(np.isnan(v) for v in ranking(np.empty(0), low).values())


def test_tpr_counts_members_above_the_hundredth_highest_of_ten_thousand() -> None:
    """At 1 % false positives a Gaussian pair gives Φ(shift − Φ⁻¹(0.99))."""
    rng = np.random.default_rng(2)
    found = tpr_at_fpr(rng.normal(2, 1, 50_000), rng.normal(0, 1, 50_000))
    assert found == pytest.approx(NormalDist().cdf(2 - NormalDist().inv_cdf(0.99)), abs=0.02)


def test_tpr_never_exceeds_the_allowed_false_positives() -> None:
    other = np.repeat(
        [0.0, 1.0], [90, 10]
    )  # a tie at the top: one false positive in a hundred is not to be had
    assert tpr_at_fpr(np.array([1.0, 2.0]), other) == 0.5
