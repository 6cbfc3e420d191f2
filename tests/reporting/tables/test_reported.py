"""The table of printed numbers beside ours: cells, notes, the page."""

from __future__ import annotations

import pytest

from reunlearn.metrics.verdict import PAPER
from reunlearn.reporting.printed_cells import cell_of
from reunlearn.reporting.rows import NOBODY, Counts, RowKey
from tests.reporting.conftest import report_of
from tests.reporting.reading import shown
from tests.reporting.test_printed import NAME, WORDS, meetings, ours
from tests.study.printed_cells import cell


def judged(made, *cells, **experiment):
    """Return the data of an experiment with these printed cells."""
    return made.data(NAME, printed=meetings(*cells, **experiment))


def test_our_mean_deviation_and_n_stand_beside_the_printed(whole):
    values = ours(whole, "salun", "accuracy_test")
    data = judged(whole, cell(mean=f"{values.mean():.2f}", std="0.50"))
    (entry,) = data.frame("reported").to_dict("records")
    assert (entry["ours"], entry["ours_std"], entry["n"]) == pytest.approx(
        (values.mean(), values.std(ddof=1), 3)
    )
    assert (entry["printed"], entry["printed_std"]) == (f"{values.mean():.2f}", "0.50")
    assert (entry["verdict"], entry["number"]) == (PAPER, "accuracy_test")


def test_the_table_counts_verdicts_and_names_what_is_absent(whole):
    mean = ours(whole, "salun", "accuracy_test").mean()
    cells = [cell(mean=f"{mean:.2f}", note="looks odd"), cell(metric=WORDS), cell("SSD")]
    data = judged(whole, *cells)
    assert NOBODY in data.frame("reported").index
    table = shown(data, "reported")
    (row,) = table.rows
    assert row.remark == "printed as SalUn"
    assert [c.tone for c in row.cells] == ["best", "muted"]
    notes = " ".join(table.notes)
    assert "3 comparisons: 1 inside the paper's spread, 2 not comparable." in notes
    assert "not run here: SSD" in notes
    reason = (
        "words, no numbers: which gradient dominates, and how the losses move; the table loss_trend says ours"
    )
    assert f"Not comparable, {reason}: {WORDS}." in notes
    assert "SalUn, Acc_val, as printed: looks odd." in notes


def test_printed_digits_stay_as_they_are_and_ours_has_as_many(whole):
    (row,) = shown(
        judged(whole, cell(mean="94.0", std=""), cell(metric="Acc_Df", mean="0.5060")), "reported"
    ).rows
    assert row.cells[0].below.startswith("94.0 printed: ")
    assert row.cells[1].below.startswith("0.5060 ± 0.50 printed: ")
    assert len(row.cells[0].main.split()[0].partition(".")[2]) == 2


def test_an_average_shows_its_interval(whole):
    (row,) = shown(judged(whole, cell(metric="Avg_Gap", std=""), recipe="cifar10-small"), "reported").rows
    assert "[" in row.cells[0].main and "±" not in row.cells[0].main


def test_one_row_that_two_printed_rows_meet_stands_twice(whole):
    table = shown(judged(whole, cell("GDR-GMA"), cell("w__Bank"), methods=["gdr_gma@paper"]), "reported")
    assert [row.remark for row in table.rows] == ["printed as GDR-GMA", "printed as w__Bank"]


def test_the_floor_says_that_it_is_a_second_retrain(whole):
    table = shown(judged(whole, cell("Retrain")), "reported")
    assert [row.remark for row in table.rows] == ["", "the noise floor, as a second Retrain"]


def test_what_a_paper_leaves_open_is_said(whole):
    vague = cell(scenario="class (not named)", fraction="1 of 10 classes", table="Table 4")
    notes = shown(judged(whole, vague), "reported").notes
    assert any(note.startswith("The paper leaves open: which class is forgotten") for note in notes)


def test_the_page_shows_the_table(whole):
    printed = meetings(cell(dataset="CIFAR-20"), cell("Retrain"))
    report = report_of(whole, printed={NAME: printed}, figures=False)
    assert f"tables/{NAME}-reported.csv" in report.files
    assert "tables/class-3-reported.csv" not in report.files
    assert "printed for CIFAR-20" in report.page


def test_a_row_without_a_finished_run_says_why(whole):
    data = judged(whole, cell(mean="94.0"))
    data.__dict__["counts"] = {**data.counts, RowKey("salun"): Counts(finished=0, diverged=3, missing=0)}
    entry = data.frame("reported").reset_index().iloc[0]
    assert entry["status"] == "diverged"
    assert cell_of({**entry, "ours": float("nan")}).main == "diverged"
    assert [Counts(*n).absence for n in ((1, 2, 0), (0, 1, 2), (0, 0, 3))] == ["", "diverged", "missing"]
