"""Which papers' columns our numbers are."""

from __future__ import annotations

from reunlearn.study.catalogue import catalogue
from reunlearn.study.paper_columns import columns_of, with_columns
from reunlearn.study.papers import papers


def test_numbers_know_their_columns_and_the_columns_of_one_table() -> None:
    columns = columns_of(papers(catalogue()).values())
    assert columns["entropy_logistic"] == "SFR-on 'MIA'"
    assert (
        columns["accuracy_forget"]
        == "LUR 'UA' (100 minus it), nabla-tau 'A_Df', PGU 'err_Df' (100 minus it), SFR-on 'FA'"
    )
    assert columns["accuracy_test_retained_masked"] == "PGU 'err_retain_test' (100 minus it)"
    assert "loss_forget" not in columns


def test_cards_say_it_of_measures_and_of_their_numbers() -> None:
    measures = with_columns(catalogue()).measures
    assert measures["confidence_svc"].column_of == "LUR 'MIA'"
    assert measures["lira"].column_of == ""
    assert "SFR-on 'TA'" in measures["evaluation"].numbers["accuracy_test"].column_of
    assert catalogue().measures["confidence_svc"].column_of == ""  # the plugin itself names no paper's column
