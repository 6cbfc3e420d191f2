"""Intervals and tests of a table of methods: against scipy, with one seed, identical rows, and rows that diverged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import synthetic
from scipy import stats

from conftest import read
from reunlearn.metrics.paired import holm
from reunlearn.reporting import lines
from reunlearn.reporting.seeds import by_seed, seed_gaps
from reunlearn.reporting.significance import significance_grid, significance_table
from reunlearn.reporting.tables import METRICS, method_table

EXPERIMENT = "random-0.2"


def table_of(results: pd.DataFrame) -> pd.DataFrame:
    """Return the table of one experiment."""
    return significance_table(results, EXPERIMENT, list(METRICS), method_table(results, EXPERIMENT))


def shown(table: pd.DataFrame) -> dict[str, list[str]]:
    """Return {line: what its cells say}."""
    return {line.name: [c.main for c in line.cells] for line in significance_grid(table, EXPERIMENT).lines}


def test_every_line_is_there_the_floor_too(whole):
    table = table_of(whole["results"])
    assert list(table.index) == list(method_table(whole["results"], EXPERIMENT).index)
    assert table.loc[lines.FLOOR, "avg_gap_low"] <= table.loc[lines.FLOOR, "avg_gap_high"]


def test_p_values_are_scipys_corrected_for_the_methods(whole):
    results = whole["results"]
    table, gaps = table_of(results), seed_gaps(by_seed(results, EXPERIMENT, list(METRICS)))
    methods = [line for line in table.index if line not in lines.REFERENCES]
    raw = [stats.ttest_rel(gaps[m], gaps[lines.FLOOR]).pvalue for m in methods]
    assert table.loc[methods, "against_floor_t"].to_numpy() == pytest.approx(holm(raw))
    assert holm(raw) != pytest.approx(np.array(raw))
    assert table.loc[list(lines.REFERENCES), "against_floor_t"].isna().all()


def test_the_note_says_what_three_seeds_can_show(whole):
    note = significance_grid(table_of(whole["results"]), EXPERIMENT).notes[0]
    assert "With 3 seeds" in note
    assert "below 0.25, or 1 after Holm's correction for 8 methods: it cannot reach 0.05 here" in note


def test_one_seed_has_gaps_but_no_interval_and_no_p(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    results = read(synthetic.build(seeds=1))["results"]
    table = table_of(results)
    assert table.loc["salun", "avg_gap"] == pytest.approx(table.loc["salun", "seed_gap_mean"])
    assert table[["avg_gap_low", "against_floor_t", "against_best_wilcoxon"]].isna().all().all()
    assert "at least two" in significance_grid(table, EXPERIMENT).notes[0]
    assert np.isfinite(table.loc["salun", "against_floor"])


def test_rows_identical_to_the_floor_are_no_different_from_it(whole):
    results = whole["results"].copy()
    floor = results[(results.row == "retrain") & (results.method_seed >= 1000)]
    twin = floor.assign(row="twin", method_seed=floor.method_seed - 1000)
    table = table_of(pd.concat([results, twin]))
    assert table.loc["twin", ["against_floor", "against_floor_t", "against_floor_wilcoxon"]].tolist() == [
        0,
        1,
        1,
    ]


def test_diverged_and_missing_runs_are_left_out_of_the_pairs(holed):
    table = table_of(holed["results"])
    assert table.loc[["gradient_ascent", "lur", "pgu"], "against_floor_n"].tolist() == [2, 2, 3]
    results = holed["results"].copy()
    results.loc[results.row == "lur", "status"] = "diverged"
    gone = table_of(results)
    assert np.isnan(gone.loc["lur", "seed_gap_mean"])
    assert shown(gone)["lur"] == ["—", "—", "—", "—", "0"]


def test_nothing_measured_is_a_table_of_dashes(nothing):
    cells = shown(table_of(nothing["results"]))
    assert {c for line in cells.values() for c in line[:-1]} == {"—"}
