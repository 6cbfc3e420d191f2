"""Average ranks of methods over blocks (seeds, experiments): Friedman's test and Nemenyi's critical difference.

As in Demšar 2006: two methods differ where their average ranks are at least CD = q_α √(k (k + 1) / (6 N)) apart, with k
methods, N blocks and q_α of the studentised range for infinite degrees of freedom, divided by √2.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.05


@dataclass(frozen=True)
class Ranking:
    """How k methods rank over N blocks.

    Attributes:
        average: average rank [k] of each method; 1 is best, ties share.
        blocks: N.
        p: of Friedman's test that all methods rank alike; NaN below three methods or two blocks, 1 if all tie.
        critical_difference: Nemenyi's; NaN below two methods or two blocks.
    """

    average: np.ndarray
    blocks: int
    p: float
    critical_difference: float


def rank(values_NK: np.ndarray, level: float = LEVEL) -> Ranking:
    """Rank methods within each block, smaller values first.

    Raises:
        ValueError: a value is not finite.
    """
    if values_NK.ndim != 2 or not np.isfinite(values_NK).all():
        raise ValueError("ranks need one finite value per block and method; leave out blocks that lack one")
    blocks, methods = values_NK.shape
    ranks_NK = stats.rankdata(values_NK, axis=1)
    enough = blocks > 1 and methods > 1
    return Ranking(
        average=ranks_NK.mean(axis=0) if blocks else np.full(methods, np.nan),
        blocks=blocks,
        p=_friedman(values_NK, ranks_NK) if enough and methods > 2 else float("nan"),
        critical_difference=critical_difference(methods, blocks, level) if enough else float("nan"),
    )


def place_among(values_NK: np.ndarray, reference_N: np.ndarray) -> float:
    """Return the average rank that a reference would have among methods, which it does not compete with.

    In each block: 1 + methods with a smaller value + half of those with an equal one.

    Args:
        values_NK: of the methods.
        reference_N: of the reference in the same blocks.
    """
    reference_N1 = reference_N[:, None]
    better_N = (values_NK < reference_N1).sum(axis=1) + 0.5 * (values_NK == reference_N1).sum(axis=1)
    return float(1 + better_N.mean())


def critical_difference(methods: int, blocks: int, level: float = LEVEL) -> float:
    """Return the smallest significant difference of two average ranks, after Nemenyi."""
    q = float(stats.studentized_range.ppf(1 - level, methods, np.inf)) / np.sqrt(2)
    return float(q * np.sqrt(methods * (methods + 1) / (6 * blocks)))


def _friedman(values_NK: np.ndarray, ranks_NK: np.ndarray) -> float:
    if (ranks_NK == ranks_NK[:, :1]).all():
        return 1.0
    return float(stats.friedmanchisquare(*values_NK.T).pvalue)


def cliques(average_K: np.ndarray, critical: float) -> list[tuple[int, int]]:
    """Return the groups of methods without a significant difference, as (first, last) positions in the order of rank.

    Only the largest groups, of at least two methods each; positions count the methods sorted by average rank.
    """
    ranks = np.sort(average_K)
    ends = np.searchsorted(ranks, ranks + critical, side="left") - 1  # closer than the critical difference
    groups: list[tuple[int, int]] = []
    for first, last in enumerate(ends.tolist()):
        if last > first and (not groups or last > groups[-1][1]):
            groups.append((first, last))
    return groups
