"""Avg. Gap and Avg. D as each paper defines them: the mean over its own four columns of |mean − mean of Retrain|.

A gap is a difference of means, not a mean of differences. The papers share the formula but not the columns: each uses
its own membership attack, and GDR-GMA measures forget and retain accuracy with the training augmentation on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.metrics.statistics import average_gap, gap


@dataclass(frozen=True)
class PaperAverage:
    """One paper's average: the name and title of its column, and its terms.

    A term is the paper's name for it and the metrics that can supply it, of which the first one measured is taken: an
    augmented accuracy exists only where a recipe augments.
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
            ("MIA", ("entropy_logistic_augmented", "entropy_logistic")),
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
        average: the paper's average.
        means: {metric: mean over the runs of a line}.
        reference: the same for Retrain.
    """
    missing = float("nan")
    gaps = []
    for _, candidates in average.terms:
        metric = next((m for m in candidates if m in reference), candidates[-1])
        gaps.append(gap(means.get(metric, missing), reference.get(metric, missing)))
    return average_gap(gaps)
