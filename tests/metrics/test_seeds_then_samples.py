"""The interval over seeds against a bootstrap in two levels on the scores themselves, one resample at a time."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.seeds_then_samples import WIDTH, interval_over_seeds
from reunlearn.metrics.separation import auc, separation

Scores = list[tuple[np.ndarray, np.ndarray]]


def scores_of(strengths: list[float], samples: int = 150) -> Scores:
    """Return scores of members and of others for each seed; the strength is the distance of their means."""
    draw = np.random.default_rng(1)
    return [(draw.normal(s, 1, samples), draw.normal(0, 1, samples)) for s in strengths]


def slow(seeds: Scores, resamples: int = 1500) -> tuple[float, float]:
    """Draw seeds, then members and others of each drawn seed; return the ends of the interval of the mean AUC."""
    draw, means = np.random.default_rng(2), []
    for _ in range(resamples):
        drawn = [seeds[place] for place in draw.integers(0, len(seeds), len(seeds))]
        means.append(np.mean([auc(draw.choice(m, len(m)), draw.choice(o, len(o))) for m, o in drawn]))
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def fast(seeds: Scores):
    """Return the interval from each seed's own."""
    found = [separation(members, others) for members, others in seeds]
    return interval_over_seeds(*(np.array([f[f"auc{end}"] for f in found]) for end in ("", "_low", "_high")))


ALIKE, APART = [0.5, 0.5, 0.5], [0.1, 0.5, 0.9, 0.4, 0.6]


def off(ends: tuple[float, float], wanted: tuple[float, float]) -> float:
    """Return how far an end is from the one that is wanted, in widths."""
    return float(np.abs(np.subtract(ends, wanted)).max() / (wanted[1] - wanted[0]))


@pytest.mark.parametrize("strengths", [ALIKE, APART])
def test_it_is_the_bootstrap_in_two_levels(strengths: list[float]) -> None:
    seeds = scores_of(strengths)
    found = fast(seeds)
    assert found.value == pytest.approx(np.mean([auc(*sides) for sides in seeds]))
    assert off((found.low, found.high), slow(seeds)) < 0.07


def test_control_neither_level_alone_gives_it() -> None:
    seeds = scores_of(ALIKE)
    values = np.array([auc(*sides) for sides in seeds])
    without_samples = interval_over_seeds(values, values, values)
    assert off((without_samples.low, without_samples.high), slow(seeds)) > 0.1
    seeds = scores_of(APART)
    found = [separation(*sides) for sides in seeds]
    errors = np.array([f["auc_high"] - f["auc_low"] for f in found]) / WIDTH
    mean, half = np.mean([f["auc"] for f in found]), WIDTH / 2 * np.sqrt((errors**2).sum()) / len(errors)
    assert off((mean - half, mean + half), slow(seeds)) > 0.1


def test_one_seed_has_its_own_interval_and_none_has_no_number() -> None:
    one = interval_over_seeds(np.array([np.nan, 0.7]), np.array([np.nan, 0.6]), np.array([np.nan, 0.75]))
    assert (one.value, one.low, one.high) == (0.7, 0.6, 0.75)
    none = interval_over_seeds(np.array([np.nan]), np.array([0.1]), np.array([0.2]))
    assert np.isnan([none.value, none.low, none.high]).all()


def test_more_seeds_narrow_it_and_the_same_draws_give_the_same_ends() -> None:
    values, half = np.array([0.6, 0.62, 0.58]), 0.04
    few = interval_over_seeds(values, values - half, values + half)
    many = interval_over_seeds(*(np.tile(v, 4) for v in (values, values - half, values + half)))
    assert many.high - many.low < 0.6 * (few.high - few.low)
    assert few == interval_over_seeds(values, values - half, values + half)
    assert few != interval_over_seeds(values, values - half, values + half, seed=1)
