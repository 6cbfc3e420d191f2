"""A paper's table in its own layout: which row of ours stands where, what is said of numbers that meet none."""

from __future__ import annotations

import pytest

from reunlearn.metrics.verdict import NOT_COMPARABLE
from reunlearn.reporting.pages import export
from reunlearn.reporting.rows import FLOOR, NOBODY, RETRAIN, RowKey
from tests.reporting.conftest import report_of
from tests.reporting.paper_tables import ELSEWHERE, laid_out, numbered, paper_data
from tests.reporting.reading import shown
from tests.reporting.test_printed import NAME, meetings
from tests.study.printed_cells import cell

METHODS = ["salun@code", "gdr_gma@paper", "gdr_gma@code"]
SALUN, PAPER, CODE = RowKey("salun"), RowKey("gdr_gma", "paper"), RowKey("gdr_gma", "code")
GRID = numbered(
    *(
        cell(method, metric, fraction=fraction, mean="90.00", gap="" if method == "Retrain" else "1.00")
        for fraction in ("20%", "50%")
        for method in ("Retrain", "SalUn", "GDR-GMA")
        for metric in ("Acc_val", "Acc_Df")
    )
)


@pytest.fixture
def data(whole):
    """Return the data of a table of the cells, of which the experiment names those of 20 %, or the given ones."""

    def made(cells=GRID, named=None, **more):
        named = [c for c in cells if c.fraction == "20%"] if named is None else named
        wide = {"name": "gdr_gma", "reading": "code", "label": "wide"}  # as the synthetic study calls its row
        printed = meetings(*named, methods=[*METHODS, wide])
        experiments = [whole.data(NAME, printed=printed), whole.data("class-3")]
        return paper_data(laid_out(cells, **more), experiments)

    return made


def test_rows_are_the_papers_once_for_each_row_of_ours(data):
    table = shown(data(columns=("fraction", "metric")), "paper")
    assert [(row.title, row.key) for row in table.rows] == [
        ("Retrain", RETRAIN),
        ("Retrain", FLOOR),
        ("SalUn", SALUN),
        ("GDR-GMA", PAPER),
        ("GDR-GMA", CODE),
    ]
    assert [(c.group, c.title) for c in table.columns] == [
        ("20%", "Acc_val"),
        ("20%", "Acc_Df"),
        ("50%", "Acc_val"),
        ("50%", "Acc_Df"),
    ]
    assert [column.card.compares for column in table.columns][:2] == ["what Acc_val is", "what Acc_Df is"]


def test_ours_stands_above_what_is_printed_and_numbers_without_ours_say_why(data, whole):
    table = shown(data(columns=("fraction", "metric")), "paper")
    salun = next(row for row in table.rows if row.key == SALUN)
    mean = whole.results.query("experiment == @NAME and method == 'salun' and metric == 'accuracy_test'")[
        "value"
    ]
    assert salun.cells[0].main.startswith(f"{mean.mean():.2f} ± ")
    assert "90.00 ± 0.50 (1.00) printed: " in salun.cells[0].below
    assert salun.cells[2].main == "—"
    assert salun.cells[2].below == "90.00 ± 0.50 (1.00) [3]"
    assert f"[3] {ELSEWHERE}." in table.notes
    assert table.notes[0].startswith("12 printed numbers, ")
    assert "Of the gaps to Retrain: " in table.notes[0]


def test_numbers_that_nothing_meets_have_an_entry_with_the_reason(data):
    frame = data(columns=("fraction", "metric")).frame("paper").reset_index()
    assert (frame["line"].nunique(), set(frame["experiment"])) == (12, {NAME, ""})
    nobody = frame[frame["method"] == NOBODY.method]
    assert set(nobody["verdict"]) == {NOT_COMPARABLE} and set(nobody["reason"]) == {ELSEWHERE}
    assert set(nobody["fraction"]) == {"50%"}


def test_blocks_of_rows_have_headings_and_rows_of_ours_where_they_are_met(data):
    table = shown(data(rows=("fraction", "method")), "paper")
    assert [(row.group, row.title, row.key) for row in table.rows][4:] == [
        ("20%", "GDR-GMA", CODE),
        ("50%", "Retrain", NOBODY),
        ("50%", "SalUn", NOBODY),
        ("50%", "GDR-GMA", NOBODY),
    ]


def test_methods_can_be_columns_each_reading_one(data):
    cells = [c for c in GRID if c.fraction == "20%"]
    table = shown(data(cells, rows=("metric",), columns=("method",)), "paper")
    assert [row.title for row in table.rows] == ["Acc_val", "Acc_Df"]
    assert {row.key for row in table.rows} == {NOBODY}
    assert [(c.title, c.unit) for c in table.columns] == [
        ("Retrain", "Retrain"),
        ("Retrain", "Noise floor"),
        ("SalUn", "salun"),
        ("GDR-GMA", "gdr_gma@paper"),
        ("GDR-GMA", "gdr_gma@code"),
    ]
    crosswise = shown(data(cells), "paper")
    assert [[row.cells[k] for row in table.rows] for k in range(5)] == [list(r.cells) for r in crosswise.rows]


def test_a_method_over_its_numbers_says_which_row_of_ours_it_is(data):
    cells = [c for c in GRID if c.method == "GDR-GMA"]
    table = shown(data(cells, rows=("method", "metric"), columns=("fraction",)), "paper")
    assert [(row.group, row.title) for row in table.rows] == [
        (f"GDR-GMA, gdr_gma@{reading}", metric)
        for reading in ("paper", "code")
        for metric in ("Acc_val", "Acc_Df")
    ]
    assert [column.title for column in table.columns] == ["20%", "50%"]


def test_doubtful_numbers_are_marked_and_the_reason_stands_below(data):
    people = {"dataset": "CelebA-HQ-FIR", "model": "ResNet-34", "scenario": "identities", "fraction": "10%"}
    odd = numbered(cell("FT", "RA", paper="LUR", table="Table 2", **people))
    table = shown(data(odd, named=odd), "paper")
    assert table.rows[0].cells[0].below == "94.00 ± 0.50 (?) [1]"
    assert any(note.startswith("(?) 10%, FT, RA: a deviation of 7.02") for note in table.notes)


def test_words_of_the_paper_are_headings(data):
    more = {"headings": {"method": {"SalUn": "SalUn (2024)"}, "metric": {"Acc_val": "Acc val"}}}
    table = shown(data([c for c in GRID if c.fraction == "20%"], **more), "paper")
    assert [row.title for row in table.rows][2] == "SalUn (2024)"
    assert table.columns[0].title == "Acc val"


def test_latex_and_markdown_have_the_same_groups(data):
    table = shown(data(rows=("fraction", "method")), "paper")
    tex, markdown = export.tex(table), export.markdown(table)
    assert tex.splitlines()[3].startswith(r"Forgotten & Method & Ours & Acc\_val")
    assert r"20\% & GDR-GMA & gdr\_gma@code & " in tex
    assert tex.count(r"\midrule") == 2  # below the head, between the groups
    assert "| 50% | SalUn |  | " in markdown
    across = shown(data(columns=("fraction", "metric")), "paper")
    tex, markdown = export.tex(across), export.markdown(across)
    assert r" &  & \multicolumn{2}{c}{20\%} & \multicolumn{2}{c}{50\%} \\" in tex
    assert "| Method | Ours | 20%: Acc_val (%) | " in markdown.replace("Acc_val |", "Acc_val (%) |")
    assert markdown.startswith("Made up & printed; ours, ")


def test_the_page_of_a_papers_study_shows_them_before_its_experiments(whole):
    printed = meetings(*(c for c in GRID if c.fraction == "20%"), methods=METHODS)
    job = {"paper_tables": (laid_out(GRID, columns=("fraction", "metric")),), "of_paper": ("paper",)}
    report = report_of(whole, printed={NAME: printed}, figures=False, **job)
    page = report.page
    assert 0 < page.index('id="paper"') < page.index(f'id="{NAME}"')
    assert {f"tables/table9-paper.{kind}" for kind in ("csv", "tex", "md")} <= set(report.files)
    assert page.count('<th scope="colgroup" colspan="2">') == 2
    assert 'id="paper"' not in report_of(whole, figures=False).page
