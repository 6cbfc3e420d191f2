"""Paired tests over seeds, and their correction for many methods.

Seeds are few: with n pairs the smallest p that the two-sided signed-rank test can give is 2 / 2ⁿ, 0.25 with three seeds
and below 0.05 only from six on. The t test has no such bound, but believes that differences are normal.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

EXACT = 16  # differences up to which every pattern of signs is looked at


@dataclass(frozen=True)
class Paired:
    """A comparison of two series over the same seeds.

    Attributes:
        difference: mean of first − second.
        p_t: two-sided p of the paired t test; 1 where all differences are 0, NaN below two pairs.
        p_wilcoxon: two-sided exact p of the signed-rank test, as p_t.
        n: pairs in which both numbers are finite.
    """

    difference: float
    p_t: float
    p_wilcoxon: float
    n: int


def smallest_p(n: int) -> float:
    """Return the smallest two-sided p that the exact signed-rank test can give with n pairs."""
    return min(1.0, 2.0 ** (1 - n))


def compare(first_N: np.ndarray | Sequence[float], second_N: np.ndarray | Sequence[float]) -> Paired:
    """Return the paired comparison of two series, NaN and infinite pairs left out.

    Raises:
        ValueError: the series are not of one length.
    """
    first, second = (np.asarray(series, dtype=np.float64) for series in (first_N, second_N))
    if first.shape != second.shape:
        raise ValueError(f"{len(first)} and {len(second)} values cannot be paired")
    both = np.isfinite(first) & np.isfinite(second)
    apart = first[both] - second[both]
    nothing = float("nan")
    if len(apart) < 2:
        return Paired(float(apart.mean()) if len(apart) else nothing, nothing, nothing, len(apart))
    if not apart.any():
        return Paired(0.0, 1.0, 1.0, len(apart))
    return Paired(float(apart.mean()), _t_test(apart), signed_rank(apart), len(apart))


def signed_rank(differences_N: np.ndarray) -> float:
    """Return the two-sided p of the signed-rank test; differences of 0 are dropped, as Wilcoxon did.

    Exact up to EXACT differences: the share of all 2ⁿ patterns of signs whose sum of ranks is as far from 0. scipy has
    this too, but for ties only as a permutation test that takes seconds where this takes microseconds.
    """
    kept = differences_N[differences_N != 0]
    if len(kept) > EXACT:
        return float(stats.wilcoxon(kept).pvalue)
    ranks = stats.rankdata(np.abs(kept))
    sums = np.zeros(1)
    for rank in ranks:  # of patterns with one difference more
        sums = np.concatenate([sums - rank, sums + rank])
    observed = abs(float(np.sign(kept) @ ranks))
    return float((np.abs(sums) >= observed).mean())  # ranks are halves, so sums are exact


def _t_test(differences_N: np.ndarray) -> float:
    """Return the two-sided p of the paired t test; 0 where the differences are all the same and not 0."""
    if np.ptp(differences_N) == 0:
        return 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # differences that are nearly the same: p is nearly 0
        return float(stats.ttest_1samp(differences_N, 0.0).pvalue)


def holm(p_M: np.ndarray | Sequence[float]) -> np.ndarray:
    """Return Holm's corrected p [M]: the family are the values that are not NaN; those stay NaN.

    The i-th smallest of m is multiplied by m − i + 1, then made no smaller than the one before, and at most 1.
    """
    p = np.asarray(p_M, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    scaled = p[order] * np.arange(len(order), 0, -1)
    found = np.full(p.shape, np.nan)
    found[order] = np.minimum(1.0, np.maximum.accumulate(scaled)) if len(order) else scaled
    return found
