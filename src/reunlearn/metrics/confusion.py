"""The confusion matrix: it gives the accuracy per class, and as which classes forgotten ones are predicted."""

from __future__ import annotations

import numpy as np


def confusion(predicted_N: np.ndarray, labels_N: np.ndarray, classes: int) -> np.ndarray:
    """Return counts [K, K]: row = true class, column = predicted class."""
    pairs_N = labels_N.astype(np.int64) * classes + predicted_N
    return np.bincount(pairs_N, minlength=classes * classes).reshape(classes, classes)
