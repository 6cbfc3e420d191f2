"""Avg. Gap and Avg. D as a paper defines them: the mean over its own columns of |mean − mean of Retrain|.

A gap is a difference of means, not a mean of differences. The papers share the formula but not the columns: each uses
its own membership attack, and one measures forget and retain accuracy with the training augmentation on. Their files in
config/papers say which.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reunlearn.metrics.statistics import average_gap, gap


def paper_average(
    terms: Iterable[Sequence[str]], means: Mapping[str, float], reference: Mapping[str, float]
) -> float:
    """Return a paper's average; NaN if one of its terms was not measured here or for Retrain.

    Args:
        terms: of each column the metrics that can supply it; the first one that Retrain has is taken.
        means: {metric: mean over the runs of a line}.
        reference: the same for Retrain.
    """
    missing = float("nan")
    gaps = []
    for candidates in terms:
        metric = next((m for m in candidates if m in reference), candidates[-1])
        gaps.append(gap(means.get(metric, missing), reference.get(metric, missing)))
    return average_gap(gaps)
