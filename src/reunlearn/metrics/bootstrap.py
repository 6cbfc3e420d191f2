"""Bootstrap interval of an average gap to Retrain, over the seeds of the runs.

Seeds are drawn with replacement. A method's and Retrain's numbers of one seed are drawn together, because both runs
have the same split. Three seeds have only ten different resamples: the interval is rough, and for an absolute gap it
tends to be too high.
"""

from __future__ import annotations

import numpy as np

from reunlearn.metrics.statistics import Interval

RESAMPLES = 2000
LEVEL = 0.95
_MISSING = Interval(float("nan"), float("nan"), float("nan"))


def bootstrap_average_gap(
    values_SM: np.ndarray, reference_SM: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> Interval:
    """Return the mean over metrics of |mean − mean of Retrain| and its percentile interval over seeds.

    Args:
        values_SM, reference_SM: a method's and Retrain's numbers for each seed and metric.
        resamples: how many times the seeds are drawn.
        seed: of the draws.

    Raises:
        ValueError: the two have other seeds or metrics.
    """
    if values_SM.shape != reference_SM.shape:
        raise ValueError(
            f"{values_SM.shape} values of a method and {reference_SM.shape} of Retrain; "
            "give the same seeds and metrics for both"
        )
    if not values_SM.size:
        return _MISSING
    difference_SM = values_SM - reference_SM
    value = float(np.abs(difference_SM.mean(axis=0)).mean())
    means_RM = difference_SM[_draws(len(difference_SM), resamples, seed)].mean(axis=1)
    return _interval(value, np.abs(means_RM).mean(axis=1), len(difference_SM))


def _draws(count: int, resamples: int, seed: int) -> np.ndarray:
    """Return the places of the drawn seeds [resamples, count], each from 0 to count − 1."""
    return np.random.default_rng(seed).integers(0, count, (resamples, count))


def _interval(value: float, draws_R: np.ndarray, count: int) -> Interval:
    """Return the percentile interval; its ends are NaN with fewer than two seeds or a draw that is not finite."""
    if count < 2 or not np.isfinite(draws_R).all():
        return Interval(value, float("nan"), float("nan"))
    low, high = np.quantile(draws_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(value, float(low), float(high))
