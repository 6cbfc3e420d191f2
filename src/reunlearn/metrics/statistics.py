"""Statistics of tables: mean and deviation over seeds, gaps to a reference.

A gap is a difference of means, not a mean of differences: |mean − mean of Retrain| (METHODS 4.1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


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
    """Return the mean of the gaps; NaN if one is missing, because a mean of fewer gaps is another number."""
    return float(np.mean(gaps)) if len(gaps) else float("nan")
