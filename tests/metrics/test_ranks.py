"""Average ranks, Friedman and Nemenyi against scipy, the printed table of q, and pairs compared one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from reunlearn.metrics.ranks import cliques, critical_difference, place_among, rank

Q = {2: 1.960, 3: 2.343, 4: 2.569, 5: 2.728, 6: 2.850, 7: 2.949, 8: 3.031, 9: 3.102, 10: 3.164}  # Demšar 2006


@pytest.mark.parametrize(("methods", "q"), Q.items())
def test_critical_difference_has_the_printed_quantiles(methods, q):
    scale = np.sqrt(methods * (methods + 1) / (6 * 12))
    assert critical_difference(methods, 12) / scale == pytest.approx(q, abs=1e-3)


def test_ranks_and_p_against_scipy():
    values = np.random.default_rng(0).normal(size=(8, 4)) + np.arange(4) * 0.5
    found = rank(values)
    assert found.average == pytest.approx(np.mean([stats.rankdata(row) for row in values], axis=0))
    assert found.p == pytest.approx(stats.friedmanchisquare(*values.T).pvalue)
    assert found.blocks == 8
    assert found.critical_difference == pytest.approx(critical_difference(4, 8))


def test_ties_identical_methods_and_too_few():
    same = rank(np.ones((3, 4)))
    assert (same.average == 2.5).all()
    assert same.p == 1
    two = rank(np.array([[1.0, 2.0], [1.0, 2.0]]))
    assert np.isnan(two.p)
    assert two.critical_difference > 0
    one = rank(np.array([[1.0, 2.0, 0.0]]))
    assert one.average.tolist() == [2, 3, 1]
    assert np.isnan([one.p, one.critical_difference]).all()


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="one finite value"):
        rank(np.array([[1.0, np.nan]]))


@given(st.lists(st.integers(2, 12), min_size=2, max_size=7), st.sampled_from([0.5, 1.5, 3.5]))
def test_bars_join_exactly_the_pairs_that_are_close(ranks, critical):
    average = np.sort(np.array(ranks, dtype=float))
    joined = {
        (i, j) for a, b in cliques(average, critical) for i in range(a, b + 1) for j in range(i + 1, b + 1)
    }
    count = range(len(average))
    assert joined == {(i, j) for i in count for j in count if i < j and average[j] - average[i] < critical}
    bars = cliques(average, critical)
    assert not [
        1 for a in bars for b in bars if a != b and a[0] >= b[0] and a[1] <= b[1]
    ]  # none inside another


def test_a_reference_stands_where_it_would_rank_among_the_methods():
    values = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    assert place_among(values, np.array([0.0, 0.0])) == 1
    assert place_among(values, np.array([9.0, 9.0])) == 4
    assert place_among(values, np.array([2.5, 0.5])) == 2  # third, then first
    assert place_among(values, np.array([2.0, 2.0])) == 2.5  # shares the second place: half of one more
    generator = np.random.default_rng(1)
    drawn, reference = generator.normal(size=(7, 5)), generator.normal(size=7)
    slow = [stats.rankdata([*block, own])[-1] for block, own in zip(drawn, reference, strict=True)]
    assert place_among(drawn, reference) == pytest.approx(np.mean(slow))
