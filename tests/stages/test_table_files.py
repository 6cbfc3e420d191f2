"""Tables of all runs: row groups of whole runs, texts as categories, and nothing left behind after an error."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from reunlearn.measures.registry import Table
from reunlearn.stages.table_files import LEAST, TableFiles


def lines(count: int, *names: str) -> Table:
    """Return a table of so many lines; its texts take turns."""
    return {
        "set": np.array([names[n % len(names)] for n in range(count)]) if count else np.array([], dtype=str),
        "loss": np.arange(count, dtype=np.float32),
        "member": np.arange(count) % 2 == 0,
    }


def test_what_was_added_comes_back(tmp_path: Path) -> None:
    added = {0: lines(3, "forget", "test"), 1: lines(0), 2: lines(4, "validation")}
    with TableFiles(tmp_path, ["samples", "nothing"]) as files:
        for run, table in added.items():
            files.add("samples", run, table)
    frame = pd.read_parquet(tmp_path / "samples.parquet")
    assert frame["run"].tolist() == [0] * 3 + [2] * 4
    assert frame["run"].dtype == np.int32 and frame["loss"].dtype == np.float32
    assert isinstance(frame["set"].dtype, pd.CategoricalDtype)
    assert frame["set"].tolist() == ["forget", "test", "forget", *["validation"] * 4]
    assert len(pd.read_parquet(tmp_path / "nothing.parquet")) == 0


def test_a_run_with_many_lines_has_a_row_group_and_small_runs_share_one(tmp_path: Path) -> None:
    with TableFiles(tmp_path, []) as files:
        for run in range(3):
            files.add("large", run, lines(LEAST, "forget"))
            files.add("small", run, lines(LEAST // 3 + 1, "forget"))
        assert not list(tmp_path.glob("*.parquet"))  # whole or not at all
    large, small = (pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("large", "small"))
    assert [large.metadata.row_group(n).num_rows for n in range(large.num_row_groups)] == [LEAST] * 3
    assert small.num_row_groups == 1
    group = large.metadata.row_group(1).column(0)
    assert (group.path_in_schema, group.statistics.min, group.statistics.max) == ("run", 1, 1)


def test_runs_with_other_columns_are_refused_and_no_file_stays(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="table 'samples' has the columns"),
        TableFiles(tmp_path, []) as files,
    ):
        files.add("samples", 0, lines(2, "forget"))
        files.add("samples", 1, {"set": np.array(["test"])})
    assert not list(tmp_path.iterdir())


def test_numbers_of_another_width_take_the_first_run_s(tmp_path: Path) -> None:
    with TableFiles(tmp_path, []) as files:
        files.add("counts", 0, {"count": np.array([1], dtype=np.int32)})
        files.add("counts", 1, {"count": np.array([2], dtype=np.int64)})
    assert pd.read_parquet(tmp_path / "counts.parquet")["count"].tolist() == [1, 2]
    with pytest.raises(ValueError, match="not in range"), TableFiles(tmp_path, []) as files:  # the control
        files.add("counts", 0, {"count": np.array([1], dtype=np.int32)})
        files.add("counts", 1, {"count": np.array([2**40], dtype=np.int64)})
