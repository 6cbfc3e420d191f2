"""Numbers, findings, LaTeX and Markdown as they are written."""

from __future__ import annotations

import pytest

from reunlearn.reporting import export, numbers, rows
from reunlearn.reporting.finding import Finding, find
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.headline import Headline
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from tests.reporting import cards

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


@pytest.mark.parametrize(
    ("size", "decimals"),
    [(0.0153, 5), (0.5, 4), (3.0, 3), (1234.0, 0), (1e9, 0), (0.0, 3), (NAN, 3), (1e-12, 8)],
)
def test_numbers_without_a_fixed_unit_have_four_digits(size, decimals):
    assert numbers.decimals_of(size) == decimals


def headline(*units: str, gap_decimals: int = 2) -> Headline:
    """Return a headline of numbers with these units."""
    names = [f"n{place}" for place in range(len(units))]
    number_cards = {n: cards.number(unit=unit) for n, unit in zip(names, units, strict=True)}
    return Headline(number_cards, dict.fromkeys(names, gap_decimals), gap_decimals)


A, B = RowKey("a"), RowKey("b", "paper")


def finding_of(gaps: dict[RowKey, float], best: list[RowKey], wanted: Headline | None = None) -> Finding:
    """Return the finding of a table with these gaps in which `best` are marked."""
    entries = {k: {"avg_gap": gap, "mark": "best" if k in best else ""} for k, gap in gaps.items()}
    return find(rows.table(entries), wanted or headline("%", "% of the forget set"))


def test_finding_names_the_best_and_how_far_the_others_are():
    finding = finding_of({RETRAIN: 0.0, FLOOR: 1.0, ORIGINAL: 8.0, A: 2.0, B: 4.0}, [A])
    assert (finding.best, finding.best_gap) == ((A,), 2.0)
    assert (finding.original_gap, finding.floor_gap) == (8.0, 1.0)
    assert "a comes closest to Retrain, with an Avg. Gap of 2.00 points" in finding.sentence
    assert "8.00 away, 4.0 times as far" in finding.sentence
    assert "outside that noise" in finding.sentence


def test_finding_says_when_nothing_helps_or_nothing_can_be_ranked():
    worse = finding_of({ORIGINAL: 1.0, FLOOR: 9.0, A: 2.0, B: 2.0}, [A, B])
    assert "a and b@paper come closest" in worse.sentence
    assert "no method helps here" in worse.sentence
    assert "within that noise" in worse.sentence
    assert finding_of({ORIGINAL: 1.0, A: NAN}, []).sentence.startswith("No method can be ranked")


def test_a_gap_has_the_unit_of_its_columns():
    losses = headline("squared error per pixel", "squared error per pixel", gap_decimals=5)
    assert (
        "an Avg. Gap of 0.00120 (squared error per pixel)." in finding_of({A: 0.0012}, [A], losses).sentence
    )
    assert losses.unit.short == "squared error per pixel"
    mixed = headline("%", "nats")
    assert "an Avg. Gap of 0.50." in finding_of({A: 0.5}, [A], mixed).sentence
    assert mixed.unit.short == ""
    assert headline("%", "percentage points from 50").unit.spoken == "points"


GRID = Grid(
    "digits-methods",
    "Methods",
    "mean ± deviation",
    (Column("a", "Acc & more", "%"), Column("g", "Gap")),
    (
        Row(RETRAIN, (Cell("1.0 ± 0.1"), Cell("—"))),
        Row(RowKey("gdr_gma", "code", "x_y"), (Cell("2.0", "0.5 ×"), Cell("3.00", tone="best"))),
        Row(RowKey("pgu"), (Cell("diverged", tone="bad"), Cell("4.00", tone="second"))),
    ),
)


def test_tex_escapes_and_marks():
    text = export.tex(GRID)
    assert r"Method & Reading & Label & Acc \& more (\%) & Gap \\" in text
    assert r"gdr\_gma & code & x\_y & 2.0 (0.5 $\times$) & \textbf{3.00} \\" in text
    assert r"pgu &  &  & diverged & \underline{4.00} \\" in text
    retrain = text.index("Retrain &  &  & 1.0 $\\pm$ 0.1 & --- ")
    assert retrain < text.rindex(r"\midrule") < text.index(r"gdr\_gma")
    assert text.count(r"\begin{tabular}{lllrr}") == text.count(r"\end{tabular}") == 1


def test_tex_escapes_each_letter_once():
    assert export.tex_escape("a_b\\{%}") == r"a\_b\textbackslash{}\{\%\}"


def test_markdown_has_one_bar_more_than_columns_everywhere():
    texts = [text for text in export.markdown(GRID).splitlines() if text.startswith("|")]
    assert len(texts) == 2 + len(GRID.rows)
    assert {text.count("|") for text in texts} == {6}
    assert texts[3] == "| gdr_gma | code | x_y | 2.0 (0.5 ×) | **3.00** |"


def test_csv_keeps_the_numbers():
    table = rows.table({RowKey("a", "paper", "wide"): {"x": 1 / 3}})
    assert export.csv(table) == "method,reading,label,x\na,paper,wide,0.333333\n"
