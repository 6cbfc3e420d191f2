"""Histograms on fixed fine bins: those of several runs can be added, then put together to wider bins for a figure.

The bins are equal in the logarithm, PER_DECADE to a factor of ten, from LOWEST on. Smaller values are counted in the
first bin, larger ones in the last: no value is lost. Values that are not finite are in no bin.
"""

from __future__ import annotations

import numpy as np

LOWEST, DECADES, PER_DECADE = 1e-5, 10, 100
BINS = DECADES * PER_DECADE
SPAN = (0.005, 0.999)  # the quantiles between which a figure shows all bins


def edges(places: np.ndarray) -> np.ndarray:
    """Return the lower edges of the fine bins at these places."""
    return LOWEST * 10.0 ** (places / PER_DECADE)


def bins_of(values_N: np.ndarray) -> np.ndarray:
    """Return the fine bin of each finite value, 0 to BINS − 1."""
    finite_N = values_N[np.isfinite(values_N)]
    places_N = np.searchsorted(edges(np.arange(BINS + 1)), finite_N, side="right") - 1
    return np.clip(places_N, 0, BINS - 1)


def counts_of(values_N: np.ndarray) -> np.ndarray:
    """Return how many values lie in each fine bin [BINS]."""
    return np.bincount(bins_of(values_N), minlength=BINS)


def widened(counts_HB: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Return edges [W + 1] and counts [H, W] of the same wide bins for H histograms, at least a decade together.

    Args:
        counts_HB: in the fine bins.
        most: no more than so many wide bins, of one width, each of whole fine bins. They reach from one end of SPAN
            over all histograms to the other; what lies outside is counted in the first or the last.
    """
    total_B = counts_HB.sum(axis=0)
    ends = np.searchsorted(np.cumsum(total_B), np.array(SPAN) * total_B.sum()) if total_B.any() else (0, 0)
    first, last = min(int(ends[0]), BINS - 1), min(int(ends[1]), BINS - 1)
    count = max(last - first + 1, PER_DECADE)
    width = -(-count // most)
    wide = -(-count // width)
    place_B = np.clip((np.arange(BINS) - first) // width, 0, wide - 1)
    counts_HW = np.array([np.bincount(place_B, weights=counts_B, minlength=wide) for counts_B in counts_HB])
    return edges(first + width * np.arange(wide + 1)), counts_HW
