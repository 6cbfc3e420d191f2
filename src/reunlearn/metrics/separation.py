"""How well a score tells members from others, with bootstrap intervals: AUC, true positives at few false ones,
balanced accuracy.

All of it is read from the counts of members and others at each distinct score, highest first. A bootstrap resample
is nothing but other counts at the same scores, so nothing is sorted twice and a block of resamples is read at once.
Balanced accuracy is taken where the errors on both sides are alike (1 − equal error rate): a threshold that depends
on no label of a single sample and is not searched for its best value. Between two scores the ROC is a straight line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.stats import rankdata

FALSE_POSITIVE_RATE = 0.01
RATES = {"tpr_at_fpr_1": FALSE_POSITIVE_RATE, "tpr_at_fpr_0_1": 0.001}
READINGS = ("auc", *RATES, "balanced_accuracy")
RESAMPLES = 1000
LEVEL = 0.95
_CELLS = 500_000  # of one block of resamples: 4 MB per array, near the processor


def auc(member_scores: np.ndarray, other_scores: np.ndarray) -> float:
    """Return P(member > other) + ½ P(member = other) over all pairs; 0.5 is chance (Mann and Whitney)."""
    members, others = len(member_scores), len(other_scores)
    if not members or not others:
        return float("nan")
    ranks = rankdata(np.concatenate([member_scores, other_scores]))
    return float((ranks[:members].sum() - members * (members + 1) / 2) / (members * others))


def tpr_at_fpr(
    member_scores: np.ndarray, other_scores: np.ndarray, fpr: float = FALSE_POSITIVE_RATE
) -> float:
    """Return the share of members above the lowest threshold that passes at most `fpr` of the others."""
    if not len(member_scores) or not len(other_scores):
        return float("nan")
    allowed = int(np.floor(fpr * len(other_scores)))
    threshold = np.sort(other_scores)[::-1][allowed] if allowed < len(other_scores) else -np.inf
    return float((member_scores > threshold).mean())


def ranking(member_scores: np.ndarray, other_scores: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Return READINGS, shares of 1, each with the ends <name>_low and <name>_high of its 95 % interval.

    Percentiles of RESAMPLES draws with replacement, members and others each for themselves. The order of the scores
    is nothing to it. With fewer than 1 / rate others, a rate allows no false positive at all.
    """
    scores = np.concatenate([member_scores, other_scores]).astype(np.float64)
    if not len(member_scores) or not len(other_scores) or np.isnan(scores).any():
        return {f"{name}{end}": float("nan") for name in READINGS for end in ("", "_low", "_high")}
    places = np.unique(-scores, return_inverse=True)[1]
    sides = np.sort(places[: len(member_scores)]), np.sort(places[len(member_scores) :])
    width = int(places.max()) + 1
    point = readings(*(np.bincount(side, minlength=width)[None] for side in sides))
    draws = [readings(*block) for block in _resamples(sides, width, np.random.default_rng(seed))]
    found: dict[str, float] = {}
    for name in READINGS:
        ends = np.quantile(np.concatenate([d[name] for d in draws]), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        found |= {name: float(point[name][0]), f"{name}_low": float(ends[0]), f"{name}_high": float(ends[1])}
    return found


def readings(member_BT: np.ndarray, other_BT: np.ndarray) -> dict[str, np.ndarray]:
    """Return READINGS [B] of B resamples from the counts [B, T] at T distinct scores, highest first."""
    true_BT, false_BT = np.cumsum(member_BT, axis=1), np.cumsum(other_BT, axis=1)
    members, others = int(true_BT[0, -1]), int(false_BT[0, -1])
    pairs = members * others
    lost_B = np.einsum("bt,bt->b", member_BT, false_BT)
    ties_B = np.einsum("bt,bt->b", member_BT, other_BT)
    found = {"auc": (pairs - lost_B + 0.5 * ties_B) / pairs}
    for name, rate in RATES.items():
        allowed = int(np.floor(rate * others))
        found[name] = _at(true_BT, _passed(lambda at: _at(false_BT, at), false_BT.shape, allowed)) / members

    def both(place_B: np.ndarray) -> np.ndarray:
        """Return true plus false positive rate, times all pairs to stay whole: it is 1 where the errors are alike."""
        return _at(true_BT, place_B) * others + _at(false_BT, place_B) * members

    before_B = _passed(both, true_BT.shape, pairs - 1)
    low_B, high_B = both(before_B), both(before_B + 1)
    true_low_B, true_high_B = _at(true_BT, before_B), _at(true_BT, before_B + 1)
    share_B = (pairs - low_B) / (high_B - low_B)
    return {**found, "balanced_accuracy": (true_low_B + share_B * (true_high_B - true_low_B)) / members}


def _at(values_BT: np.ndarray, place_B: np.ndarray) -> np.ndarray:
    """Return one value per row; 0 before the first."""
    found_B = np.take_along_axis(values_BT, np.maximum(place_B, 0)[:, None], axis=1)[:, 0]
    return np.where(place_B < 0, 0, found_B)


def _passed(value: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...], limit: int) -> np.ndarray:
    """Return per row the last place at which a value that never falls is at most the limit; −1 if none is."""
    low_B, high_B = np.full(shape[0], -1), np.full(shape[0], shape[1])
    while (high_B - low_B > 1).any():  # halving, all rows at once
        middle_B = (low_B + high_B) // 2
        inside_B = value(np.minimum(middle_B, shape[1] - 1)) <= limit
        open_B = high_B - low_B > 1
        low_B = np.where(open_B & inside_B, middle_B, low_B)
        high_B = np.where(open_B & ~inside_B, middle_B, high_B)
    return low_B


def _resamples(
    sides: tuple[np.ndarray, ...], width: int, generator: np.random.Generator
) -> Iterator[list[np.ndarray]]:
    """Yield blocks of counts [B, T] of members and of others, drawn with replacement."""
    size = max(1, _CELLS // max(width, *map(len, sides)))
    for done in range(0, RESAMPLES, size):
        rows = min(size, RESAMPLES - done)
        first_B1 = width * np.arange(rows)[:, None]
        drawn = [
            side[generator.integers(0, len(side), (rows, len(side)), dtype=np.uint32)] + first_B1
            for side in sides
        ]
        yield [np.bincount(d.ravel(), minlength=rows * width).reshape(rows, width) for d in drawn]
