"""Means and gaps."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics import statistics


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
