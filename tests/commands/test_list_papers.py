"""`reunlearn papers`: all in a line each, one in full, mistakes in one line."""

from __future__ import annotations

import json

import pytest

from reunlearn.base.errors import UserError
from reunlearn.commands.list_papers import papers
from reunlearn.study.papers import names


def words(text: str) -> str:
    """Return what is printed without the lines of the tables."""
    return " ".join(text.replace("│", " ").split())


def test_all_in_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    papers(None, False)
    printed = words(capsys.readouterr().out)
    assert all(name in printed for name in names())
    assert "gdr-gma GDR-GMA (Lin et al., ACM MM 2024) 5 (417 printed numbers)" in printed


def test_one_in_full_says_what_its_words_are_here_and_what_was_chosen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    papers("lur", False)
    printed = words(capsys.readouterr().out)
    assert "Combating Gradient Conflicts" in printed
    assert "identities 50% kind identities, test retained, count 153" in printed
    assert "UA error on the forget set 100 − accuracy_forget" in printed
    assert "avg_gap_lur: mean gap to Retrain of UA, TA, RA, MIA" in printed
    assert "a random 10 or 50 % of the" in printed
    assert "lur_table1_random.csv" in printed
    assert "49.88" in printed
    assert "how many training samples are held out a tenth, as in the family of SalUn" in printed
    assert "second order beats first" in printed


def test_json_is_the_file_with_every_default(capsys: pytest.CaptureFixture[str]) -> None:
    papers("pgu", True)
    (paper,) = json.loads(capsys.readouterr().out)
    assert [table["name"] for table in paper["tables"]] == [
        "table1",
        "figure2-auc",
        "table2",
        "table3",
        "table4",
    ]
    assert paper["columns"]["time"]["share_of_retrain"] == "seconds_run"


def test_an_unknown_paper_is_one_line() -> None:
    with pytest.raises(UserError, match="no paper 'pgo' in config/papers; did you mean pgu"):
        papers("pgo", False)
