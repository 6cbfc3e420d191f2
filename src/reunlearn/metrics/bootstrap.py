"""Bootstrap over seeds: how much an average gap to Retrain owes to the seeds that were drawn.

Whole seeds are drawn with replacement, a method's and Retrain's numbers of one seed together, for they share the split.
Three seeds have ten different resamples: the interval is rough, and for an absolute gap it leans upwards.
"""

from __future__ import annotations

import numpy as np

from reunlearn.metrics.statistics import Interval

RESAMPLES = 2000
LEVEL = 0.95
_NOTHING = Interval(float("nan"), float("nan"), float("nan"))


def bootstrap_average_gap(
    values_SM: np.ndarray, reference_SM: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return mean over metrics of |mean − mean of Retrain| and its percentile interval over seeds.

    Args:
        values_SM, reference_SM: a method's and Retrain's numbers, seed by seed and metric by metric.
        resamples: how many times the seeds are drawn.
        seed: of the draws.
    """
    if values_SM.shape != reference_SM.shape:
        raise ValueError(f"{values_SM.shape} values against {reference_SM.shape} of Retrain")
    if not values_SM.size:
        return _NOTHING
    apart_SM = values_SM - reference_SM
    value = float(np.abs(apart_SM.mean(axis=0)).mean())
    means_RM = apart_SM[_draws(len(apart_SM), resamples, seed)].mean(axis=1)
    return _interval(value, np.abs(means_RM).mean(axis=1), len(apart_SM))


def _draws(count: int, resamples: int, seed: int) -> np.ndarray:
    """Return numbers of seeds [resamples, count]."""
    return np.random.default_rng(seed).integers(0, count, (resamples, count))


def _interval(value: float, draws_R: np.ndarray, count: int) -> Interval:
    if count < 2 or not np.isfinite(draws_R).all():
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(draws_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))
