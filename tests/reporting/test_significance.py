"""Intervals and tests of a table of methods: against scipy, with one seed, identical rows, and rows that diverged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reunlearn.metrics.paired import holm
from reunlearn.reporting import rows
from reunlearn.reporting.rows import FLOOR, REFERENCES, RETRAIN, RowKey
from reunlearn.reporting.seeds import by_seed, seed_gaps
from reunlearn.reporting.significance import significance_grid, significance_table
from reunlearn.reporting.tables import method_table
from tests.reporting import synthetic

EXPERIMENT = "random-0.2"
SALUN, LUR = RowKey("salun"), RowKey("lur")


def table_of(data) -> pd.DataFrame:
    """Return the table of one experiment."""
    return significance_table(data, method_table(data))


def cells_of(table: pd.DataFrame, data) -> dict[RowKey, list[str]]:
    """Return {row: what its cells show}."""
    return {row.key: [c.main for c in row.cells] for row in significance_grid(table, data).rows}


def test_every_row_is_there_the_floor_too(whole):
    data = whole.data(EXPERIMENT)
    table = table_of(data)
    assert list(table.index) == list(method_table(data).index)
    assert table.loc[FLOOR, "avg_gap_low"] <= table.loc[FLOOR, "avg_gap_high"]


def test_p_values_are_scipys_corrected_for_the_methods(whole):
    data = whole.data(EXPERIMENT)
    table, gaps = table_of(data), seed_gaps(by_seed(data, data.headline.metrics))
    methods = rows.methods_of(table)
    raw = [stats.ttest_rel(gaps[m], gaps[FLOOR]).pvalue for m in methods]
    assert table.loc[methods, "against_floor_t"].to_numpy() == pytest.approx(holm(raw))
    assert holm(raw) != pytest.approx(np.array(raw))
    assert table.loc[list(REFERENCES), "against_floor_t"].isna().all()


def test_the_note_says_what_three_seeds_can_show(whole):
    data = whole.data(EXPERIMENT)
    note = significance_grid(table_of(data), data).notes[0]
    assert "With 3 seeds" in note
    assert "below 0.25, or 1 after Holm's correction for 8 methods: it cannot reach 0.05 here" in note


def test_one_seed_has_gaps_but_no_interval_and_no_p(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = synthetic.make(seeds=1).data(EXPERIMENT)
    table = table_of(data)
    assert table.loc[SALUN, "avg_gap"] == pytest.approx(table.loc[SALUN, "seed_gap_mean"])
    assert table[["avg_gap_low", "against_floor_t", "against_best_wilcoxon"]].isna().all().all()
    assert "at least two" in significance_grid(table, data).notes[0]
    assert np.isfinite(table.loc[SALUN, "against_floor"])


def test_rows_identical_to_the_floor_are_no_different_from_it(whole):
    results = whole.results
    twin = results[results.method == FLOOR.method].assign(method="twin")
    table = table_of(whole.data(EXPERIMENT, results=pd.concat([results, twin])))
    columns = ["against_floor", "against_floor_t", "against_floor_wilcoxon"]
    assert table.loc[RowKey("twin"), columns].tolist() == [0, 1, 1]


def test_diverged_and_missing_runs_are_left_out_of_the_pairs(holed):
    table = table_of(holed.data(EXPERIMENT))
    some = [RowKey("gradient_ascent"), LUR, RowKey("pgu")]
    assert table.loc[some, "against_floor_n"].tolist() == [2, 2, 3]
    results = holed.results.copy()
    results.loc[results.method == "lur", "status"] = "diverged"
    data = holed.data(EXPERIMENT, results=results)
    gone = table_of(data)
    assert np.isnan(gone.loc[LUR, "seed_gap_mean"])
    assert cells_of(gone, data)[LUR] == ["—", "—", "—", "—", "0"]


def test_value_and_interval_are_over_the_seeds_that_both_finished(holed):
    data = holed.data(EXPERIMENT)
    methods, table = method_table(data), table_of(data)
    ascent = RowKey("gradient_ascent")  # seed 1 diverged
    by_row = by_seed(data, data.headline.metrics)
    both = by_row[ascent].index.intersection(by_row[RETRAIN].index)
    assert len(both) == 2
    expected = (by_row[ascent].loc[both].mean() - by_row[RETRAIN].loc[both].mean()).abs().mean()
    assert methods.loc[ascent, "avg_gap"] == pytest.approx(expected)
    assert table.loc[ascent, "avg_gap"] == pytest.approx(expected)
    over_all = (by_row[ascent].mean() - by_row[RETRAIN].mean()).abs().mean()
    assert over_all != pytest.approx(expected)  # control: Retrain's third seed would count
    known = table.dropna(subset=["avg_gap"])
    assert (known["avg_gap"] <= known["seed_gap_mean"] + 1e-9).all()
    (row,) = (row for row in significance_grid(table, data).rows if row.key == ascent)
    assert (row.cells[-1].main, row.cells[-1].below) == ("2", "1 diverged")


def test_nothing_measured_is_a_table_of_dashes(nothing):
    data = nothing.data(EXPERIMENT)
    cells = cells_of(table_of(data), data)
    assert {c for row in cells.values() for c in row[:-1]} == {"—"}
