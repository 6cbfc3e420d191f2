"""Statistics of tables: mean and deviation over seeds, gaps to a reference, AUC with a bootstrap interval.

A gap is a difference of means, not a mean of differences: |mean − mean of Retrain| (METHODS 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reunlearn.metrics.ranking import auc


@dataclass(frozen=True)
class Summary:
    """Mean and sample deviation (ddof = 1) of the n finite values; NaN where n is too small."""

    mean: float
    std: float
    n: int


@dataclass(frozen=True)
class Interval:
    """An estimate and the ends of its interval."""

    value: float
    low: float
    high: float


def summarise(values: np.ndarray | Sequence[float]) -> Summary:
    """Return mean, deviation and number of the finite values."""
    array = np.asarray(values, dtype=np.float64)
    array = array[np.isfinite(array)]
    mean = float(array.mean()) if len(array) else float("nan")
    std = float(array.std(ddof=1)) if len(array) > 1 else float("nan")
    return Summary(mean, std, len(array))


def gap(mean: float, reference: float) -> float:
    """Return the distance of two means; NaN if either is."""
    return abs(mean - reference)


def average_gap(gaps: Sequence[float]) -> float:
    """Return the mean of the gaps; NaN if one is missing, for a mean of fewer gaps is another number."""
    return float(np.mean(gaps)) if len(gaps) else float("nan")


def roc(member_N: np.ndarray, other_M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return false and true positive rates, from (0, 0) to (1, 1), one point per distinct score."""
    scores = np.concatenate([member_N, other_M])
    thresholds_T = np.unique(scores)[::-1]
    rates = [
        1.0 - np.searchsorted(np.sort(side), thresholds_T, "left") / len(side) for side in (other_M, member_N)
    ]
    return np.concatenate([[0.0], rates[0]]), np.concatenate([[0.0], rates[1]])


def bootstrap_auc(
    member_N: np.ndarray, other_M: np.ndarray, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Interval:
    """Return the AUC and its percentile interval; members and others are each drawn with replacement.

    Drawing N scores with replacement is drawing counts per distinct score, so nothing is sorted twice: the
    larger side is counted between and at the distinct values of the smaller side.
    """
    value = auc(member_N, other_M)
    if not np.isfinite(value):
        return Interval(value, value, value)
    swapped = len(member_N) > len(other_M)
    few, many = (other_M, member_N) if swapped else (member_N, other_M)
    values_U, few_U = np.unique(few, return_counts=True)
    many_G = bin_counts(many, values_U)
    generator = np.random.default_rng(seed)
    draws = []
    for block in _blocks(resamples, len(many_G)):
        few_BU = generator.multinomial(len(few), few_U / len(few), size=block)
        many_BG = generator.multinomial(len(many), many_G / len(many), size=block)
        draws.append(auc_of_counts(few_BU, many_BG))
    draws_B = np.concatenate(draws)
    low, high = np.quantile(1.0 - draws_B if swapped else draws_B, [(1 - level) / 2, (1 + level) / 2])
    return Interval(value, float(low), float(high))


def bin_counts(scores_M: np.ndarray, values_U: np.ndarray) -> np.ndarray:
    """Count scores below, at, between, … and above sorted distinct values: counts [2U + 1]."""
    left_M = np.searchsorted(values_U, scores_M, "left")
    right_M = np.searchsorted(values_U, scores_M, "right")
    return np.bincount(left_M + right_M, minlength=2 * len(values_U) + 1)


def auc_of_counts(counts_BU: np.ndarray, bins_BG: np.ndarray) -> np.ndarray:
    """Return the AUC [B] of counts at U values (smaller side) against counts in the bins of `bin_counts`."""
    below_BU = np.cumsum(bins_BG, axis=1)[:, 0:-1:2]
    wins_B = (counts_BU * (below_BU + 0.5 * bins_BG[:, 1::2])).sum(axis=1)
    return wins_B / (counts_BU.sum(axis=1) * bins_BG.sum(axis=1))


def _blocks(resamples: int, width: int) -> list[int]:
    """Split the resamples so that one block of counts stays below 16 MB."""
    size = max(1, 2_000_000 // width)
    return [min(size, resamples - done) for done in range(0, resamples, size)]
