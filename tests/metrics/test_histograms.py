"""Fine bins and wide bins against numpy's histogram of the values themselves."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.histograms import BINS, LOWEST, PER_DECADE, bins_of, counts_of, edges, widened

DRAW = np.random.default_rng(0)
FORGET, TEST = 10 ** DRAW.normal(-2, 1, 5000), 10 ** DRAW.normal(-0.5, 0.7, 3000)


def test_counts_are_those_of_numpy() -> None:
    inside = FORGET[FORGET >= LOWEST]
    assert counts_of(inside).tolist() == np.histogram(inside, edges(np.arange(BINS + 1)))[0].tolist()
    assert counts_of(FORGET).sum() == len(FORGET) > len(inside)


def test_what_lies_beyond_the_bins_is_in_the_outer_ones_and_what_is_not_finite_in_none() -> None:
    assert bins_of(np.array([0.0, -1.0, 1e-9, LOWEST])).tolist() == [0, 0, 0, 0]
    assert bins_of(np.array([1e5, 1e30])).tolist() == [BINS - 1] * 2
    assert bins_of(np.array([np.nan, np.inf, -np.inf, 1.0])).tolist() == [5 * PER_DECADE]


def test_wide_bins_of_added_runs_are_the_histogram_of_their_samples_together() -> None:
    halves = [counts_of(FORGET[::2]) + counts_of(FORGET[1::2]), counts_of(TEST)]
    ends, (forget_W, test_W) = widened(np.array(halves), 36)
    assert len(ends) - 1 == len(forget_W) <= 36
    np.testing.assert_allclose(np.diff(np.log(ends)), np.log(ends[1] / ends[0]))
    for values, counts_W in ((FORGET, forget_W), (TEST, test_W)):
        inside = np.clip(values, ends[0], np.nextafter(ends[-1], 0))
        assert counts_W.tolist() == np.histogram(inside, ends)[0].tolist()


def test_wide_bins_reach_over_nearly_all_values_and_at_least_a_decade() -> None:
    ends, _ = widened(np.array([counts_of(FORGET), counts_of(TEST)]), 36)
    low, high = np.quantile(np.concatenate([FORGET, TEST]), [0.005, 0.999])
    fine = 10 ** (2 / PER_DECADE)  # numpy's quantile may lie between two values
    assert low / fine <= ends[0] <= low * fine
    assert high / fine <= ends[-1] <= high * (ends[1] / ends[0])
    narrow, counts = widened(np.array([counts_of(np.full(7, 0.3))]), 36)
    assert narrow[-1] / narrow[0] >= 10
    assert counts.sum() == 7
    with pytest.raises(AssertionError):  # the control: more bins would be narrower
        np.testing.assert_allclose(widened(np.array([counts_of(FORGET)]), 18)[0][:3], ends[:3])


def test_nothing_to_count_gives_empty_bins() -> None:
    ends, counts = widened(np.zeros((2, BINS), dtype=int), 36)
    assert np.isfinite(ends).all()
    assert not counts.any()
