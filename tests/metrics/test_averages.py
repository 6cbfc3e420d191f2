"""The papers' averages: by hand, and on every line that the papers print."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from reunlearn.metrics.averages import paper_average
from reunlearn.metrics.statistics import average_gap, gap
from reunlearn.study.averages import averages_of
from reunlearn.study.catalogue import catalogue
from reunlearn.study.papers import papers

BY_NAME = {average.name: average.terms for average in averages_of(papers(catalogue()).values())}
REPORTED = Path(__file__).parents[2] / "config" / "reported"
RETRAIN = {
    "accuracy_forget": 90.0,
    "accuracy_retain": 99.0,
    "accuracy_test": 92.0,
    "entropy_logistic": 70.0,
    "confidence_svc": 13.0,
}
OURS = {
    "accuracy_forget": 86.0,
    "accuracy_retain": 97.0,
    "accuracy_test": 91.0,
    "entropy_logistic": 75.0,
    "confidence_svc": 33.0,
}


def of_paper(name: str, means: dict[str, float], reference: dict[str, float]) -> float:
    """Return the average of a name."""
    return paper_average([metrics for _, metrics in BY_NAME[name]], means, reference)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("avg_gap_gdr_gma", (4 + 2 + 1 + 5) / 4),
        ("avg_gap_lur", (4 + 1 + 2 + 20) / 4),
        ("avg_d_sfr_on", (4 + 2 + 1 + 5) / 4),
    ],
)
def test_each_paper_averages_its_own_columns(name, expected):
    assert of_paper(name, OURS, RETRAIN) == expected


def test_gdr_gma_alone_takes_augmented_accuracies_where_there_are_any():
    ours = OURS | {"accuracy_forget_augmented": 80.0, "accuracy_retain_augmented": 90.0}
    retrain = RETRAIN | {"accuracy_forget_augmented": 88.0, "accuracy_retain_augmented": 98.0}
    assert of_paper("avg_gap_gdr_gma", ours, retrain) == (8 + 8 + 1 + 5) / 4
    assert of_paper("avg_d_sfr_on", ours, retrain) == (4 + 2 + 1 + 5) / 4


def test_a_missing_column_or_reference_gives_no_average():
    without = {k: v for k, v in OURS.items() if k != "confidence_svc"}
    assert np.isnan(of_paper("avg_gap_lur", without, RETRAIN))
    assert np.isfinite(of_paper("avg_d_sfr_on", without, RETRAIN))
    assert np.isnan(of_paper("avg_d_sfr_on", OURS, {}))


PRINTED = [
    ("gdrgma_table2_random.csv", "Retrain", "Avg_Gap", "avg_gap_gdr_gma"),
    ("lur_table1_random.csv", "Retrain", "Avg_Gap", "avg_gap_lur"),
    ("sfron_random.csv", "RT", "Avg_D", "avg_d_sfr_on"),
]


def printed(file: str) -> dict[tuple[str, ...], dict[str, dict[str, float]]]:
    """Return {setting: {method: {metric: mean}}} of a table, as it is printed."""
    found: dict = defaultdict(lambda: defaultdict(dict))
    with (REPORTED / file).open(newline="", encoding="utf-8") as handle:
        for row in csv.DictReader(handle):
            if row["mean"]:
                setting = tuple(row[k] for k in ("dataset", "model", "fraction"))
                found[setting][row["method"]][row["metric"]] = float(row["mean"])
    return found


@pytest.mark.parametrize(("file", "retrain", "column", "name"), PRINTED)
def test_the_formula_gives_what_the_papers_print(file, retrain, column, name):
    """Nearly every printed average, within what rounding of its four columns allows."""
    terms = [term for term, _ in BY_NAME[name]]
    off, checked = [], 0
    for methods in printed(file).values():
        for method, own in methods.items():
            if column not in own or method == retrain:
                continue
            mean = average_gap([gap(own[t], methods[retrain][t]) for t in terms])
            checked += 1
            if abs(mean - own[column]) > 0.0151:
                off.append((method, mean, own[column]))
    assert checked >= 20
    assert len(off) <= 0.15 * checked, off
