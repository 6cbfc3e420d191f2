"""Means, gaps, and the AUC against the slow obvious paths."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
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


@settings(max_examples=50)
@given(SCORES, SCORES, st.integers(0, 9))
def test_auc_of_counts_equals_auc_of_the_repeated_scores(member, other, seed):
    draw = np.random.default_rng(seed)
    again, others = (draw.choice(side, len(side)) for side in (member, other))
    values = np.unique(member)
    counts = np.array([[(again == v).sum() for v in values]])
    bins = statistics.bin_counts(others, values)[None]
    assert statistics.auc_of_counts(counts, bins)[0] == pytest.approx(slow_auc(again, others))


def test_a_perfect_and_an_empty_attack():
    perfect = statistics.bootstrap_auc(np.array([2.0, np.inf]), np.array([0.0, 1.0]))
    assert perfect == statistics.Interval(1.0, 1.0, 1.0)
    for bad in (np.array([]), np.array([np.nan])):
        found = statistics.bootstrap_auc(bad, np.array([1.0]))
        assert np.isnan([found.value, found.low, found.high]).all()


@pytest.mark.parametrize("sizes", [(40, 90), (90, 40)])
def test_interval_agrees_with_the_slow_bootstrap(sizes):
    draw = np.random.default_rng(1)
    member, other = draw.normal(0.5, 1, sizes[0]).round(1), draw.normal(0, 1, sizes[1]).round(1)
    slow = [slow_auc(draw.choice(member, len(member)), draw.choice(other, len(other))) for _ in range(4000)]
    found = statistics.bootstrap_auc(member, other, resamples=4000)
    assert found.value == slow_auc(member, other)
    assert [found.low, found.high] == pytest.approx(np.quantile(slow, [0.025, 0.975]), abs=0.012)
    assert found.high - found.low > 0.1  # so that the tolerance above could fail


def test_interval_follows_its_seed():
    draw = np.random.default_rng(2)
    member, other = draw.normal(size=30), draw.normal(size=30)
    first, same, another = (statistics.bootstrap_auc(member, other, seed=s) for s in (0, 0, 1))
    assert first == same
    assert first != another
