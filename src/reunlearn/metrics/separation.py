"""How well a score separates members from others: AUC, ROC, TPR at a low FPR, balanced accuracy, and their intervals.

All numbers follow from the counts of members and of others at each distinct score, highest first. A bootstrap resample
only has other counts at the same scores, so the scores are sorted once and many resamples are computed together.
Balanced accuracy is taken at the threshold where both errors are equal (1 − equal error rate): it depends on the label
of no single sample and is not searched for the best value. Between two scores the ROC is a straight line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

RATES = {"tpr_at_fpr_1": 0.01, "tpr_at_fpr_0_1": 0.001}
METRICS = ("auc", *RATES, "balanced_accuracy")
RESAMPLES = 1000
LEVEL = 0.95
_CELLS = 500_000  # of one block of resamples: 4 MB per array, about the size of a cache


def auc(member_scores: np.ndarray, other_scores: np.ndarray) -> float:
    """Return P(member > other) + ½ P(member = other) over all pairs; 0.5 is chance (Mann and Whitney).

    NaN if a side is empty or a score is NaN.
    """
    members, others = len(member_scores), len(other_scores)
    scores = np.concatenate([member_scores, other_scores])
    if not members or not others or np.isnan(scores).any():
        return float("nan")
    _, place_N, count_T = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count_T) - (count_T - 1) / 2)[
        place_N
    ]  # of equal scores the mean of their places, from 1
    return float((ranks[:members].sum() - members * (members + 1) / 2) / (members * others))


def roc(member_N: np.ndarray, other_M: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return false and true positive rates, from (0, 0) to (1, 1), one point per distinct score."""
    scores = np.concatenate([member_N, other_M])
    thresholds_T = np.unique(scores)[::-1]
    rates = [
        1.0 - np.searchsorted(np.sort(side), thresholds_T, "left") / len(side) for side in (other_M, member_N)
    ]
    return np.concatenate([[0.0], rates[0]]), np.concatenate([[0.0], rates[1]])


def separation(member_scores: np.ndarray, other_scores: np.ndarray, seed: int = 0) -> dict[str, float]:
    """Return METRICS as shares of 1, each with <name>_low and <name>_high, the ends of its 95 % interval.

    The ends are percentiles over RESAMPLES bootstrap draws, members and others drawn separately. The order in which
    the scores are given does not matter. With fewer than 1 / rate others, no false positive is allowed at this rate.
    All numbers are NaN if a side is empty or a score is NaN.
    """
    scores = np.concatenate([member_scores, other_scores]).astype(np.float64)
    if not len(member_scores) or not len(other_scores) or np.isnan(scores).any():
        return {f"{name}{end}": float("nan") for name in METRICS for end in ("", "_low", "_high")}
    places = np.unique(-scores, return_inverse=True)[1]
    sides = np.sort(places[: len(member_scores)]), np.sort(places[len(member_scores) :])
    width = int(places.max()) + 1
    point = metrics_of_counts(*(np.bincount(side, minlength=width)[None] for side in sides))
    draws = [metrics_of_counts(*block) for block in _resamples(sides, width, np.random.default_rng(seed))]
    values: dict[str, float] = {}
    for name in METRICS:
        low, high = np.quantile(np.concatenate([d[name] for d in draws]), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        values |= {name: float(point[name][0]), f"{name}_low": float(low), f"{name}_high": float(high)}
    return values


def metrics_of_counts(member_BT: np.ndarray, other_BT: np.ndarray) -> dict[str, np.ndarray]:
    """Return METRICS [B] of B resamples from the counts [B, T] at T distinct scores, highest first."""
    true_BT, false_BT = np.cumsum(member_BT, axis=1), np.cumsum(other_BT, axis=1)
    members, others = int(true_BT[0, -1]), int(false_BT[0, -1])
    pairs = members * others
    lost_B = np.einsum("bt,bt->b", member_BT, false_BT)
    ties_B = np.einsum("bt,bt->b", member_BT, other_BT)
    metrics = {"auc": (pairs - lost_B + 0.5 * ties_B) / pairs}
    for name, rate in RATES.items():
        allowed = int(np.floor(rate * others))
        last_B = _last_within(lambda place_B: _value_at(false_BT, place_B), false_BT.shape, allowed)
        metrics[name] = _value_at(true_BT, last_B) / members

    def total(place_B: np.ndarray) -> np.ndarray:
        """Return (TPR + FPR) · pairs, a whole number; TPR + FPR is 1 where both errors are equal."""
        return _value_at(true_BT, place_B) * others + _value_at(false_BT, place_B) * members

    before_B = _last_within(total, true_BT.shape, pairs - 1)
    low_B, high_B = total(before_B), total(before_B + 1)
    true_low_B, true_high_B = _value_at(true_BT, before_B), _value_at(true_BT, before_B + 1)
    share_B = (pairs - low_B) / (high_B - low_B)
    return {**metrics, "balanced_accuracy": (true_low_B + share_B * (true_high_B - true_low_B)) / members}


def _value_at(values_BT: np.ndarray, place_B: np.ndarray) -> np.ndarray:
    """Return the value at one place of each row [B]; 0 at place −1."""
    values_B = np.take_along_axis(values_BT, np.maximum(place_B, 0)[:, None], axis=1)[:, 0]
    return np.where(place_B < 0, 0, values_B)


def _last_within(value: Callable[[np.ndarray], np.ndarray], shape: tuple[int, ...], limit: int) -> np.ndarray:
    """Return for each row the last place at which a value that never decreases is at most the limit; −1 if none is."""
    low_B, high_B = np.full(shape[0], -1), np.full(shape[0], shape[1])
    while (high_B - low_B > 1).any():  # bisection of all rows together
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
