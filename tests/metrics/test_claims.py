"""Verdicts on claims: against scipy, with one seed, with a comparison that is missing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reunlearn.metrics.claims import FAILS, HOLDS, OPEN, UNKNOWN, judge

RNG = np.random.default_rng(0)
LOW, HIGH = RNG.normal(1.0, 0.1, 10), RNG.normal(2.0, 0.1, 10)
NOISE = [RNG.normal(1.0, 0.1, 10) for _ in range(2)]


def test_it_holds_where_every_difference_is_clear() -> None:
    found = judge([(LOW, HIGH), (LOW, HIGH + 1)])
    assert (found.kind, found.comparisons, found.supporting, found.worst, found.n) == (HOLDS, 2, 2, 0, 10)
    assert found.difference == pytest.approx((LOW - HIGH).mean())
    raw = [stats.ttest_rel(LOW, other).pvalue for other in (HIGH, HIGH + 1)]
    assert found.p == pytest.approx(max(raw))  # Holm's last step


def test_it_does_not_where_one_difference_is_clearly_the_other_way() -> None:
    found = judge([(LOW, HIGH), (HIGH, LOW)])
    assert (found.kind, found.supporting, found.worst) == (FAILS, 1, 1)


def test_noise_cannot_tell() -> None:
    assert judge([(NOISE[0], NOISE[1])]).kind == OPEN
    assert judge([(LOW, HIGH), (NOISE[0], NOISE[1])]).kind == OPEN


def test_one_seed_can_tell_nothing_but_points_a_way() -> None:
    found = judge([(LOW[:1], HIGH[:1])])
    assert (found.kind, found.supporting, found.n) == (OPEN, 1, 1)
    assert np.isnan(found.p)


def test_the_correction_counts() -> None:
    a, b = np.array([1.0, 1.2, 0.9, 1.1]), np.array([1.2, 1.3, 1.2, 1.25])
    p = stats.ttest_rel(a, b).pvalue
    assert 0.01 < p < 0.05
    assert judge([(a, b)]).kind == HOLDS
    assert judge([(a, b)] * 5).kind == OPEN


def test_a_comparison_that_is_missing_leaves_it_open() -> None:
    nothing = np.empty(0)
    assert judge([]).kind == judge([(LOW, HIGH), (nothing, nothing)]).kind == UNKNOWN
