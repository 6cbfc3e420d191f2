"""Images per label: means over runs, the decrease against the original, labels that a row does not have."""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import pytest

from reunlearn.reporting.figures.detections import draw
from reunlearn.reporting.rows import KEY, ORIGINAL, SEEDS, RowKey
from reunlearn.study.catalogue import catalogue
from reunlearn.study.schema import Measure
from tests.reporting.reading import is_shown, numbers, shown

EXPERIMENT = "class-3"
UNSEEN = 2  # method seed of a run of PGU that the detector did not look at
FINETUNE, PGU = RowKey("finetune"), RowKey("pgu")


@pytest.fixture(scope="module")
def data(whole) -> Any:
    """One experiment in which every run of three seeds finished, and a detector that looked at its samples."""
    return whole.data(EXPERIMENT)


def with_detections(data: Any, counts: dict[tuple[RowKey, str], list[int]]) -> Any:
    """Return the data with {(row, label): images of each seed}; of 0 there is no line, as the measure leaves none."""
    seeds = data.finished[ORIGINAL].index.tolist()
    lines = [
        (*row, *seed, label, images)
        for (row, label), of_seeds in counts.items()
        for seed, images in zip(seeds, of_seeds, strict=True)
        if images
    ]
    columns = ["method", "reading", "label", *SEEDS, "finding", "images"]
    frame = pd.DataFrame(lines, columns=columns)
    runs = data.results.drop_duplicates([*KEY, *SEEDS])
    unseen = (runs["method"] == PGU.method) & (runs["method_seed"] == UNSEEN)
    seen = runs[~unseen].assign(metric="detected_images", value=20.0)
    known = {**data.tables.known, "results": pd.concat([data.results, seen]), "detections": frame}
    measure = Measure(name="detection", settings={"detector": "mine.py", "threshold": 0.6})
    experiment = data.experiment.model_copy(update={"measures": (measure,)})
    tables = dataclasses.replace(data.tables, known=known)
    made = dataclasses.replace(data, tables=tables, experiment=experiment, _frames={})
    made.__dict__["measures"] = {"detection": catalogue().measures["detection"]}
    return made


COUNTS = {
    (ORIGINAL, "a"): [10, 10, 10],
    (ORIGINAL, "b"): [2, 4, 6],
    (FINETUNE, "a"): [5, 0, 1],
    (FINETUNE, "b"): [8, 8, 8],
    (FINETUNE, "c"): [3, 0, 0],
}


def test_a_row_is_compared_with_the_original_label_by_label(data) -> None:
    found = numbers(with_detections(data, COUNTS), "detections")[FINETUNE]
    assert found["images a"].mean == 2 and found["images a"].n == 3
    assert found["decrease a"].mean == pytest.approx(80)
    assert found["decrease b"].mean == pytest.approx(-100), "more than of the original"
    assert found["images c"].mean == 1 and not found["decrease c"].known, "the original has none"


def test_a_row_in_which_nothing_is_found_has_noughts(data) -> None:
    found = numbers(with_detections(data, COUNTS), "detections")[PGU]
    assert found["images a"].mean == 0 and found["decrease a"].mean == 100
    assert found["images a"].n == 2, "a run that nobody looked at is no nought"


def test_the_table_says_what_was_asked(data) -> None:
    made = with_detections(data, COUNTS)
    table = shown(made, "detections")
    assert [column.key for column in table.columns] == ["a", "b", "c"], "most frequent of the original first"
    cells = {row.key: row.cells for row in table.rows}
    assert [cell.below for cell in cells[FINETUNE]] == ["80.0 % fewer", "100.0 % more", ""]
    assert all(not cell.below for cell in cells[ORIGINAL])
    assert "mine.py, threshold 0.6" in table.notes[0]


def test_bars_are_the_decreases_of_the_rows_that_forget(data) -> None:
    drawn = draw(with_detections(data, COUNTS))
    assert not isinstance(drawn, str)
    titles = [axes.get_title(loc="left") for axes in drawn.figure.axes]
    assert "finetune" in titles and "Original" not in titles
    axes = drawn.figure.axes[titles.index("finetune")]
    assert [bar.get_width() for bar in axes.patches] == pytest.approx([80, -100]), "c is left out"


def test_nothing_found_and_nothing_measured(data) -> None:
    empty = with_detections(data, {})
    assert empty.frame("detections").empty and not is_shown(empty, "detections")
    assert str(draw(empty)).startswith("No bars")
    assert draw(data) == "", "a study without the measure has no such figure"
