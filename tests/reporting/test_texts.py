"""Numbers, findings, LaTeX and Markdown as they are written."""

from __future__ import annotations

import pandas as pd
import pytest

from reunlearn.reporting import export, numbers
from reunlearn.reporting.finding import find
from reunlearn.reporting.grid import Cell, Column, Grid, Line

NAN = float("nan")


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.25, "1.2"), (-0.04, "0.0"), (-3.0, "−3.0"), (NAN, "—"), (None, "—"), (float("inf"), "—")],
)
def test_plain(value, text):
    assert numbers.plain(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.19, "0.190 s"),
        (12.0, "12.0 s"),
        (119.0, "119 s"),
        (125.4, "2 min 05 s"),
        (7260, "2 h 01 min"),
        (NAN, "—"),
    ],
)
def test_seconds(value, text):
    assert numbers.seconds(value) == text


def test_deviation_is_left_out_for_one_run():
    assert numbers.with_deviation(5.0, NAN) == "5.0"
    assert numbers.with_deviation(5.0, 0.25) == "5.0 ± 0.2"
    assert numbers.with_deviation(NAN, NAN) == "—"


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.10"), (0.00871, "0.0087"), (9.96, "10"), (123.4, "123"), (NAN, "—")]
)
def test_ratio(value, text):
    assert numbers.ratio(value) == text


def table(gaps, best):
    """Return a table with these gaps in which `best` are marked."""
    return pd.DataFrame({"avg_gap": gaps, "mark": ["best" if n in best else "" for n in gaps.index]})


def test_finding_names_the_best_and_how_far_the_others_are():
    gaps = pd.Series({"Retrain": 0.0, "Noise floor": 1.0, "Original": 8.0, "a": 2.0, "b": 4.0})
    found = find(table(gaps, ["a"]))
    assert (found.best, found.best_gap, found.original_gap, found.floor_gap) == (("a",), 2.0, 8.0, 1.0)
    assert "a comes closest to Retrain, with an Avg. Gap of 2.00 points" in found.sentence
    assert "8.00 away, 4.0 times as far" in found.sentence
    assert "outside that noise" in found.sentence


def test_finding_says_when_nothing_helps_or_nothing_can_be_ranked():
    worse = find(table(pd.Series({"Original": 1.0, "Noise floor": 9.0, "a": 2.0, "b": 2.0}), ["a", "b"]))
    assert "a and b come closest" in worse.sentence
    assert "no method helps here" in worse.sentence
    assert "within that noise" in worse.sentence
    assert find(table(pd.Series({"Original": 1.0, "a": NAN}), [])).sentence.startswith(
        "No method can be ranked"
    )


GRID = Grid(
    "digits-methods",
    "mean ± deviation",
    (Column("a", "Acc & more", "%"), Column("g", "Gap")),
    (
        Line("Retrain", "", True, (Cell("1.0 ± 0.1"), Cell("—"))),
        Line("gdr_gma@code", "", False, (Cell("2.0", "0.5 ×"), Cell("3.00", tone="best"))),
        Line("pgu", "", False, (Cell("diverged", tone="bad"), Cell("4.00", tone="second"))),
    ),
)


def test_tex_escapes_and_marks():
    text = export.tex(GRID)
    assert r"Method & Acc \& more (\%) & Gap \\" in text
    assert r"gdr\_gma@code & 2.0 (0.5 $\times$) & \textbf{3.00} \\" in text
    assert r"pgu & diverged & \underline{4.00} \\" in text
    assert text.index("Retrain & 1.0 $\\pm$ 0.1 & --- ") < text.rindex(r"\midrule") < text.index(r"gdr\_gma")
    assert text.count(r"\begin{tabular}{lrr}") == text.count(r"\end{tabular}") == 1


def test_tex_escapes_each_letter_once():
    assert export.tex_escape("a_b\\{%}") == r"a\_b\textbackslash{}\{\%\}"


def test_markdown_has_one_bar_more_than_columns_everywhere():
    rows = [row for row in export.markdown(GRID).splitlines() if row.startswith("|")]
    assert len(rows) == 2 + len(GRID.lines)
    assert {row.count("|") for row in rows} == {4}
    assert rows[3] == "| gdr_gma@code | 2.0 (0.5 ×) | **3.00** |"


def test_csv_keeps_the_numbers():
    assert (
        export.csv(pd.DataFrame({"x": [1 / 3]}, index=pd.Index(["a"], name="line"))) == "line,x\na,0.333333\n"
    )
