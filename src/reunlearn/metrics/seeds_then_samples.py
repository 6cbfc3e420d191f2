"""Interval of a mean over seeds of numbers that each have a sampling error: resample seeds, then samples.

A draw takes S of the S seeds with replacement, then for each drawn seed a value from a normal distribution around the
seed's own value. Its standard error follows from the seed's own 95 % interval, high − low = 2 · 1.96 standard errors.
This is the bootstrap in two levels without the samples themselves: of a seed only its interval is needed.

What differs between seeds holds their sampling errors already, so the interval is wider than needed where samples are
drawn anew for each seed: with S seeds of equal error and no other difference by a factor of √(2 − 1/S). It is too
narrow for what all seeds share, such as one test set: the draws of two seeds are independent here.
"""

from __future__ import annotations

import numpy as np

from reunlearn.metrics.statistics import Interval

RESAMPLES = 2000
LEVEL = 0.95
WIDTH = 2 * 1.96  # of a 95 % interval, in standard errors


def interval_over_seeds(
    values_S: np.ndarray, lows_S: np.ndarray, highs_S: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return the mean over seeds and its 95 % interval; of one seed that seed's own.

    Args:
        values_S: the number of each seed; seeds without a finite number are left out.
        lows_S, highs_S: the ends of each seed's own 95 % interval; NaN where it has none.
        resamples: how many draws.
        seed: of the draws.
    """
    known = np.isfinite(values_S)
    values_S, lows_S, highs_S = values_S[known], lows_S[known], highs_S[known]
    if not len(values_S):
        return Interval(float("nan"), float("nan"), float("nan"))
    if len(values_S) == 1:
        return Interval(float(values_S[0]), float(lows_S[0]), float(highs_S[0]))
    errors_S = (highs_S - lows_S) / WIDTH
    draw = np.random.default_rng(seed)
    chosen_RS = draw.integers(0, len(values_S), (resamples, len(values_S)))
    values_RS = values_S[chosen_RS] + errors_S[chosen_RS] * draw.standard_normal(chosen_RS.shape)
    means_R = values_RS.mean(axis=1)
    low, high = np.quantile(means_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(values_S.mean()), float(low), float(high))
