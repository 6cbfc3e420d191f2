"""Bootstrap over seeds against the enumeration of all resamples."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from reunlearn.metrics.bootstrap import bootstrap_average_gap


def every_resample(seeds: int) -> np.ndarray:
    """Return all equally likely resamples [seeds ** seeds, seeds]."""
    return np.array(list(itertools.product(range(seeds), repeat=seeds)))


def test_average_gap_draws_a_method_and_retrain_of_one_seed_together():
    retrain = np.array([[10.0, 50.0], [20.0, 60.0], [40.0, 90.0]])
    moved = retrain + np.array([3.0, -1.0])
    found = bootstrap_average_gap(moved, retrain)
    assert (found.value, found.low, found.high) == pytest.approx((2, 2, 2))  # seeds differ, their gaps do not
    unpaired = bootstrap_average_gap(moved[::-1], retrain)
    assert unpaired.high - unpaired.low > 1


def test_average_gap_against_all_resamples():
    draw = np.random.default_rng(0)
    ours, retrain = draw.normal(1, 1, (4, 3)), draw.normal(0, 1, (4, 3))
    all_gaps = np.abs((ours - retrain)[every_resample(4)].mean(axis=1)).mean(axis=1)
    found = bootstrap_average_gap(ours, retrain, resamples=40_000)
    assert found.value == pytest.approx(np.abs(ours.mean(axis=0) - retrain.mean(axis=0)).mean())
    assert [found.low, found.high] == pytest.approx(np.quantile(all_gaps, [0.025, 0.975]), abs=0.05)


def test_one_seed_has_no_interval_and_none_has_no_number():
    one = bootstrap_average_gap(np.array([[1.0, 2.0]]), np.array([[0.0, 0.0]]))
    assert one.value == 1.5
    assert np.isnan([one.low, one.high]).all()
    for empty in (np.empty((0, 0)), np.empty((0, 4))):
        assert np.isnan(bootstrap_average_gap(empty, empty).value)


def test_what_cannot_be_paired_is_refused_and_seeds_are_followed():
    with pytest.raises(ValueError, match="of Retrain"):
        bootstrap_average_gap(np.zeros((2, 3)), np.zeros((3, 3)))
    ours, retrain = np.random.default_rng(1).normal(size=(2, 9, 2))
    first, same, another = (bootstrap_average_gap(ours, retrain, 200, seed) for seed in (1, 1, 2))
    assert first == same
    assert first != another
