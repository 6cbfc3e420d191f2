"""A ROC curve at fixed false positive rates, so that the curves of several runs can be averaged point by point.

The rates are dense where a leak shows first: equal steps of the logarithm from 1e-4 to 0.1, then equal steps to 1.
"""

from __future__ import annotations

import numpy as np

from reunlearn.metrics.separation import roc

RATES = np.concatenate([[0.0], np.geomspace(1e-4, 0.1, 61), np.linspace(0.1, 1.0, 91)[1:]])


def true_positive_rates(member_N: np.ndarray, other_M: np.ndarray) -> np.ndarray:
    """Return the true positive rate at each of RATES; no point where a side is empty or a score is NaN.

    At a rate with several true positive rates it is the highest; between two points of the ROC, the straight line.
    """
    if not len(member_N) or not len(other_M) or np.isnan(member_N).any() or np.isnan(other_M).any():
        return np.empty(0)
    false_T, true_T = roc(member_N, other_M)
    last_R = np.searchsorted(false_T, RATES, side="right") - 1  # the highest point at or before the rate
    next_R = np.minimum(last_R + 1, len(false_T) - 1)
    step_R = false_T[next_R] - false_T[last_R]
    share_R = np.divide(RATES - false_T[last_R], step_R, out=np.zeros(len(RATES)), where=step_R > 0)
    return true_T[last_R] + share_R * (true_T[next_R] - true_T[last_R])
