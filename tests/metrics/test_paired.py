"""Paired tests and Holm's correction against scipy, enumeration and a loop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reunlearn.metrics.paired import compare, holm, signed_rank, smallest_p

P_VALUES = st.lists(st.floats(0, 1), max_size=7)


def slow_signed_rank(differences: np.ndarray) -> float:
    """Look at every pattern of signs."""
    kept = differences[differences != 0]
    ranks = stats.rankdata(np.abs(kept))
    observed = abs((np.sign(kept) * ranks).sum())
    patterns = itertools.product((-1, 1), repeat=len(kept))
    return float(np.mean([abs((np.array(signs) * ranks).sum()) >= observed - 1e-9 for signs in patterns]))


def slow_holm(values: list[float]) -> list[float]:
    """Follow the definition: adjusted p = largest (m − j + 1) p_(j) up to its own place, at most 1."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    found = [0.0] * len(values)
    for place, index in enumerate(order):
        found[index] = min(1.0, max((len(values) - j) * values[order[j]] for j in range(place + 1)))
    return found


@pytest.mark.parametrize(("n", "least"), [(1, 1.0), (2, 0.5), (3, 0.25), (5, 0.0625), (6, 0.03125)])
def test_the_smallest_p_is_reached_and_not_passed(n, least):
    assert smallest_p(n) == least
    assert signed_rank(np.arange(1.0, n + 1)) == pytest.approx(least)


@given(st.lists(st.integers(-4, 4), min_size=2, max_size=7).filter(any))
def test_signed_rank_against_every_pattern_of_signs(differences):
    array = np.array(differences, dtype=float)
    assert signed_rank(array) == pytest.approx(slow_signed_rank(array))


@pytest.mark.parametrize("n", [4, 9, 16, 17, 30])
def test_signed_rank_against_scipy_where_there_are_no_ties(n):
    draw = np.random.default_rng(n).normal(0.4, 1, n)
    assert signed_rank(draw) == pytest.approx(stats.wilcoxon(draw, method="exact").pvalue)


def test_compare_against_scipy():
    draw = np.random.default_rng(1)
    first, second = draw.normal(1, 1, 5), draw.normal(0, 1, 5)
    found = compare(first, second)
    assert found.p_t == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert found.p_wilcoxon == pytest.approx(stats.wilcoxon(first, second, method="exact").pvalue)
    assert found.difference == pytest.approx((first - second).mean())
    assert found.n == 5


def test_identical_series_one_seed_and_no_seed():
    same = compare([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (same.difference, same.p_t, same.p_wilcoxon) == (0, 1, 1)
    one = compare([1.0], [0.5])
    assert (one.difference, one.n) == (0.5, 1)
    assert np.isnan([one.p_t, one.p_wilcoxon]).all()
    assert np.isnan(compare([], []).difference)
    assert compare([2.0, 3.0], [1.0, 2.0]).p_t == 0  # the same difference each time


def test_pairs_that_are_not_finite_are_left_out():
    found = compare([1.0, np.nan, 3.0, np.inf], [0.0, 1.0, 1.0, 0.0])
    assert (found.n, found.difference) == (2, 1.5)
    with pytest.raises(ValueError, match="cannot be paired"):
        compare([1.0], [1.0, 2.0])


@given(P_VALUES)
def test_holm_against_its_definition(values):
    assert holm(values) == pytest.approx(slow_holm(values))


def test_holm_leaves_out_what_is_not_known_and_can_fail():
    found = holm([0.01, np.nan, 0.04])
    assert found[[0, 2]] == pytest.approx([0.02, 0.04])
    assert np.isnan(found[1])
    assert holm([0.01, 0.04]) != pytest.approx([0.01, 0.04])
