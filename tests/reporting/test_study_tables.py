"""The reader of a study's tables: only the runs and the columns that are asked for."""

from __future__ import annotations

import shutil

import pandas as pd
import pyarrow.parquet as pq
import pytest

from reunlearn.base.errors import UserError
from reunlearn.reporting.experiment import OWN_COLUMNS, Tables
from reunlearn.reporting.study_tables import StudyTables

FORGET, TEST = 60, 200


def test_lines_say_which_run_they_are_of(whole):
    frame = whole.tables.read("samples")
    assert len(frame) == len(whole.gathered.runs) * (FORGET + TEST)
    first = frame[frame["run"] == 0]
    run = whole.gathered.runs[0]
    assert set(first["method"]) == {run.row.method}
    assert set(first["train_seed"]) == {run.seeds.train}
    assert set(frame["experiment"]) == {"random-0.2", "class-3"}


def test_only_what_is_asked_for_is_returned(whole):
    columns = ["label", "loss", "run"]
    frame = whole.tables.read("samples", columns, experiment="class-3", status="finished")
    assert list(frame.columns) == columns
    assert len(frame) == len(whole.gathered.runs) // 2 * (FORGET + TEST)
    one = whole.tables.read("samples", run=int(frame["run"].max()))
    assert len(one) == FORGET + TEST
    assert one["run"].nunique() == 1
    assert list(whole.tables.read("results", ["metric", "value"], run=0).columns) == ["metric", "value"]


def test_unknown_runs_have_no_lines(whole):
    assert whole.tables.read("samples", experiment="nowhere").empty
    assert whole.tables.read("roc", run=10**6).empty


def test_runs_that_did_not_finish_are_left_out_where_that_is_asked(holed):
    every = holed.tables.read("histograms", ["method", "train_seed"])
    finished = holed.tables.read("histograms", ["method", "train_seed"], status="finished")
    classes = holed.tables.read("scores", ["method", "train_seed"], status="finished")
    assert set(holed.tables.read("results", status="diverged")["method"]) == {"gradient_ascent"}
    for frame in (finished, classes):
        assert set(frame.loc[frame["method"] == "gradient_ascent", "train_seed"]) == {0, 2}
    assert len(every) == len(finished)  # values that are not finite are in no bin


def test_row_groups_of_other_runs_are_not_read(tmp_path, whole):
    """The same file, but for bytes of the first row group that are no longer what they were."""
    source = whole.tables.folder / "samples.parquet"
    assert pq.ParquetFile(source).num_row_groups > 1
    for name in ("runs", "results"):
        (tmp_path / f"{name}.parquet").write_bytes((whole.tables.folder / f"{name}.parquet").read_bytes())
    content = bytearray(source.read_bytes())
    content[4:2000] = bytes(1996)
    (tmp_path / "samples.parquet").write_bytes(bytes(content))
    tables = type(whole.tables)(tmp_path)
    last = len(whole.gathered.runs) - 1
    pd.testing.assert_frame_equal(tables.read("samples", run=last), whole.tables.read("samples", run=last))
    with pytest.raises(OSError):  # the control: the first run's cannot be read
        tables.read("samples", run=0)


def test_an_unknown_table_or_column_is_named(whole):
    with pytest.raises(UserError, match=r"sample\.parquet: no such table; did you mean samples"):
        whole.tables.read("sample")
    with pytest.raises(UserError, match="no column 'los'; did you mean loss"):
        whole.tables.read("samples", ["los"])


@pytest.mark.parametrize("table", ["samples", "scores", "series"])
def test_a_report_does_without_the_tables_that_a_reference_leaves_out(whole, tmp_path, table):
    for path in whole.tables.folder.glob("*.parquet"):
        if path.stem != table:
            shutil.copy2(path, tmp_path / path.name)
    experiment = whole.study.experiments[0].name
    read = Tables(StudyTables(tmp_path), experiment)[table]
    assert read.empty and set(OWN_COLUMNS[table]) <= set(read)
    with pytest.raises(UserError, match="no such table"):  # whoever asks for it by name is told
        StudyTables(tmp_path).read(table)
