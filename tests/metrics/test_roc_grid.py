"""The ROC at fixed rates against the curve itself and against thresholds tried one by one."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.roc_grid import RATES, true_positive_rates
from reunlearn.metrics.separation import auc, roc


def scores(members: int, others: int, distinct: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores with many ties."""
    draw = np.random.default_rng(members)
    return draw.binomial(distinct, 0.6, members).astype(float), draw.binomial(distinct, 0.5, others).astype(
        float
    )


def slow(member_N: np.ndarray, other_M: np.ndarray, rate: float) -> float:
    """Return the highest mean true positive rate of two thresholds, mixed so that the false positive rate is this."""
    points = [(0.0, 0.0)]
    points += [
        ((other_M >= t).mean(), (member_N >= t).mean()) for t in sorted({*member_N, *other_M}, reverse=True)
    ]
    at = [true for false, true in points if false == rate]
    if at:
        return max(at)
    (x0, y0), (x1, y1) = max(p for p in points if p[0] < rate), min(p for p in points if p[0] > rate)
    return float(y0 + (rate - x0) / (x1 - x0) * (y1 - y0))


@pytest.mark.parametrize("distinct", [1, 4, 1000])
def test_rates_are_those_of_thresholds_tried_one_by_one(distinct: int) -> None:
    member_N, other_M = scores(60, 40, distinct)
    expected = [slow(member_N, other_M, rate) for rate in RATES]
    np.testing.assert_allclose(true_positive_rates(member_N, other_M), expected, atol=1e-12)


def test_the_curve_rises_from_what_no_false_positive_costs_to_1() -> None:
    member_N, other_M = np.array([3.0, 2.0, 0.0]), np.array([1.0, 0.5])
    rates = true_positive_rates(member_N, other_M)
    assert rates[0] == pytest.approx(2 / 3)
    assert rates[-1] == 1
    assert (np.diff(rates) >= 0).all()


def test_the_area_under_the_grid_is_the_auc() -> None:
    draw = np.random.default_rng(1)
    member_N, other_M = draw.normal(0.8, 1, 10_000), draw.normal(0, 1, 10_000)
    assert np.trapezoid(true_positive_rates(member_N, other_M), RATES) == pytest.approx(
        auc(member_N, other_M), abs=2e-4
    )
    assert len(roc(member_N, other_M)[0]) > 100 * len(RATES)
    # the control: equal steps of as many points lose the rise near 0
    even = np.linspace(0, 1, len(RATES))
    low = np.interp(1e-3, even, np.interp(even, *roc(member_N, other_M)))
    exact = np.interp(1e-3, *roc(member_N, other_M))
    assert abs(low - exact) > 10 * abs(np.interp(1e-3, RATES, true_positive_rates(member_N, other_M)) - exact)


def test_the_grid_is_dense_near_0() -> None:
    assert (RATES[0], RATES[-1]) == (0, 1)
    assert (np.diff(RATES) > 0).all()
    assert {1e-4, 0.1} <= set(RATES.round(12))
    assert (RATES < 0.01).sum() > 40


@pytest.mark.parametrize("member", [[], [np.nan, 1.0]])
def test_without_scores_there_is_no_curve(member: list[float]) -> None:
    assert true_positive_rates(np.array(member), np.array([1.0])).size == 0
