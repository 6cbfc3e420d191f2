"""Means, gaps, and the ROC curve against the slow obvious paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reunlearn.metrics import statistics

SCORES = st.lists(st.integers(-3, 3), min_size=1, max_size=12).map(lambda v: np.array(v, dtype=float))


def slow_auc(member: np.ndarray, other: np.ndarray) -> float:
    """Compare every pair."""
    pairs = member[:, None] - other[None, :]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def test_summary_uses_finite_values_and_sample_deviation():
    found = statistics.summarise([1.0, 3.0, np.nan, np.inf])
    assert (found.mean, found.n) == (2.0, 2)
    assert found.std == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize(("values", "n"), [([], 0), ([np.nan], 0), ([5.0], 1)])
def test_summary_of_too_few_has_no_deviation(values, n):
    found = statistics.summarise(values)
    assert found.n == n
    assert np.isnan(found.std)
    assert np.isnan(found.mean) == (n == 0)


def test_gap_is_a_difference_of_means_not_a_mean_of_differences():
    run, retrain = np.array([1.0, 3.0]), np.array([3.0, 1.0])
    assert statistics.gap(run.mean(), retrain.mean()) == 0.0
    assert np.abs(run - retrain).mean() == 2.0


def test_average_gap_needs_every_gap():
    assert statistics.average_gap([1.0, 2.0, 6.0]) == 3.0
    assert np.isnan(statistics.average_gap([1.0, np.nan]))
    assert np.isnan(statistics.average_gap([]))


@given(SCORES, SCORES)
def test_area_under_roc_equals_auc(member, other):
    false, true = statistics.roc(member, other)
    assert (false[0], true[0], false[-1], true[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(true, false) == pytest.approx(slow_auc(member, other))
