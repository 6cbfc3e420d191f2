"""The papers' averages, as their files define them."""

from __future__ import annotations

import pytest

from reunlearn.study.averages import averages_of
from reunlearn.study.catalogue import catalogue
from reunlearn.study.papers import PrintedColumn, papers
from reunlearn.study.reported import read_file

EXPECTED = {
    "avg_gap_gdr_gma": (
        ("Acc_Df", ("accuracy_forget_augmented", "accuracy_forget")),
        ("Acc_Dr", ("accuracy_retain_augmented", "accuracy_retain")),
        ("Acc_val", ("accuracy_test",)),
        ("MIA", ("entropy_logistic_augmented", "entropy_logistic")),
    ),
    "avg_gap_lur": (
        ("UA", ("accuracy_forget",)),  # UA = 100 − FA: the same gap
        ("TA", ("accuracy_test",)),
        ("RA", ("accuracy_retain",)),
        ("MIA", ("confidence_svc",)),
    ),
    "avg_d_sfr_on": (
        ("FA", ("accuracy_forget",)),
        ("RA", ("accuracy_retain",)),
        ("TA", ("accuracy_test",)),
        ("MIA", ("entropy_logistic",)),
    ),
}


def of_name(file: str | None = None) -> dict:
    """Return the averages' terms by name, for an experiment that names a file of printed numbers."""
    cells = read_file(file) if file else []
    return {average.name: average.terms for average in averages_of(papers(catalogue()).values(), cells)}


def test_each_average_has_its_papers_columns() -> None:
    assert of_name() == EXPECTED


@pytest.mark.parametrize(
    ("file", "test"),
    [("lur_table2_celebahq.csv", "accuracy_test_retained"), ("lur_table1_random.csv", "accuracy_test")],
)
def test_a_column_that_means_something_else_in_one_table_does_so_in_its_average(file: str, test: str) -> None:
    lur = papers(catalogue())["LUR"]
    other = {"Table 2": {"TA": PrintedColumn(metric="accuracy_test_retained")}}
    (average,) = averages_of([lur.model_copy(update={"columns_of": other})], read_file(file))
    assert dict(average.terms)["TA"] == (test,)
