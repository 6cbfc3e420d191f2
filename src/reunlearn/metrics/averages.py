"""Avg. Gap and Avg. D as each paper defines them: the mean over its own four columns of |mean − mean of Retrain|.

A gap is a difference of means, not a mean of differences. The formula is shared, the columns are not: each paper has
its own membership attack, and GDR-GMA leaves the training augmentation on where it measures forget and retain accuracy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.metrics.statistics import average_gap, gap


@dataclass(frozen=True)
class PaperAverage:
    """One paper's average: its column here, and per term what the paper calls it and the metrics that can give it.

    The first metric of a term that was measured counts: an augmented accuracy exists only where a recipe augments.
    """

    name: str
    title: str
    terms: tuple[tuple[str, tuple[str, ...]], ...]


AVERAGES = (
    PaperAverage(
        "avg_gap_gdr_gma",
        "Avg. Gap (GDR-GMA)",
        (
            ("Acc_Df", ("accuracy_forget_augmented", "accuracy_forget")),
            ("Acc_Dr", ("accuracy_retain_augmented", "accuracy_retain")),
            ("Acc_val", ("accuracy_test",)),
            ("MIA", ("entropy_logistic",)),
        ),
    ),
    PaperAverage(
        "avg_gap_lur",
        "Avg. Gap (LUR)",
        (
            ("UA", ("accuracy_forget",)),  # UA = 100 − FA: the same gap
            ("TA", ("accuracy_test",)),
            ("RA", ("accuracy_retain",)),
            ("MIA", ("confidence_svc",)),
        ),
    ),
    PaperAverage(
        "avg_d_sfr_on",
        "Avg. D (SFR-on)",
        (
            ("FA", ("accuracy_forget",)),
            ("RA", ("accuracy_retain",)),
            ("TA", ("accuracy_test",)),
            ("MIA", ("entropy_logistic",)),
        ),
    ),
)


def paper_average(average: PaperAverage, means: Mapping[str, float], reference: Mapping[str, float]) -> float:
    """Return a paper's average; NaN if one of its four terms was not measured here or for Retrain.

    Args:
        average: which.
        means: {metric: mean over the runs of a line}.
        reference: the same of Retrain.
    """
    nothing = float("nan")
    gaps = []
    for _, candidates in average.terms:
        metric = next((m for m in candidates if m in reference), candidates[-1])
        gaps.append(gap(means.get(metric, nothing), reference.get(metric, nothing)))
    return average_gap(gaps)
