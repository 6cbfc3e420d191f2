"""Intervals and tests of a table of methods: against scipy, with one seed, identical rows, and rows that diverged."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from reunlearn.metrics.paired import holm
from reunlearn.reporting.rows import FLOOR, REFERENCES, RETRAIN, RowKey
from reunlearn.reporting.seeds import by_seed, gaps_of
from reunlearn.reporting.tables.methods import average_gaps
from tests.reporting import synthetic
from tests.reporting.reading import cells, numbers, shown

EXPERIMENT = "random-0.2"
SALUN, LUR = RowKey("salun"), RowKey("lur")


def found(data):
    """Return the numbers of the table of one experiment."""
    return numbers(data, "significance")


def test_every_row_is_there_the_floor_too(whole):
    data = whole.data(EXPERIMENT)
    assert list(found(data)) == list(data.by_row)
    gap = found(data)[FLOOR]["avg_gap"]
    assert gap.low <= gap.high


def test_p_values_are_scipys_corrected_for_the_methods(whole):
    data = whole.data(EXPERIMENT)
    values, gaps = found(data), gaps_of(data)
    methods = [row for row in values if not row.is_reference]
    raw = [stats.ttest_rel(gaps[m], gaps[FLOOR]).pvalue for m in methods]
    assert [values[m]["against_floor"].p_t for m in methods] == pytest.approx(holm(raw))
    assert holm(raw) != pytest.approx(np.array(raw))
    assert all(np.isnan(values[row]["against_floor"].p_t) for row in REFERENCES)


def test_the_note_says_what_three_seeds_can_show(whole):
    note = shown(whole.data(EXPERIMENT), "significance").notes[0]
    assert "With 3 seeds" in note
    assert "below 0.25, or 1 after Holm's correction for 8 methods: it cannot reach 0.05 here" in note


def test_one_seed_has_gaps_but_no_interval_and_no_p(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = synthetic.make(seeds=1).data(EXPERIMENT)
    values = found(data)
    assert values[SALUN]["avg_gap"].mean == pytest.approx(values[SALUN]["seed_gap"].mean)
    assert "at least two" in shown(data, "significance").notes[0]
    for entry in values.values():
        assert np.isnan(
            [entry["avg_gap"].low, entry["against_floor"].p_t, entry["against_best"].p_ranks]
        ).all()
    assert values[SALUN]["against_floor"].known


def test_rows_identical_to_the_floor_are_no_different_from_it(whole):
    results = whole.results
    twin = results[results.method == FLOOR.method].assign(method="twin")
    data = whole.data(EXPERIMENT, results=pd.concat([results, twin]))
    against = found(data)[RowKey("twin")]["against_floor"]
    assert (against.mean, against.p_t, against.p_ranks) == (0, 1, 1)


def test_diverged_and_missing_runs_are_left_out_of_the_pairs(holed):
    values = found(holed.data(EXPERIMENT))
    some = [RowKey("gradient_ascent"), LUR, RowKey("pgu")]
    assert [values[row]["against_floor"].n for row in some] == [2, 2, 3]
    results = holed.results.copy()
    results.loc[results.method == "lur", "status"] = "diverged"
    data = holed.data(EXPERIMENT, results=results)
    assert not found(data)[LUR]["seed_gap"].known
    assert [cell.main for cell in cells(data, "significance")[LUR].values()] == ["—", "—", "—", "—", "0"]


def test_value_and_interval_are_over_the_seeds_that_both_finished(holed):
    data = holed.data(EXPERIMENT)
    values, ascent = found(data), RowKey("gradient_ascent")  # seed 1 diverged
    by_row = by_seed(data, data.headline.metrics)
    both = by_row[ascent].index.intersection(by_row[RETRAIN].index)
    assert len(both) == 2
    expected = (by_row[ascent].loc[both].mean() - by_row[RETRAIN].loc[both].mean()).abs().mean()
    assert average_gaps(data)[ascent] == pytest.approx(expected)
    assert values[ascent]["avg_gap"].mean == pytest.approx(expected)
    over_all = (by_row[ascent].mean() - by_row[RETRAIN].mean()).abs().mean()
    assert over_all != pytest.approx(expected)  # control: Retrain's third seed would count
    known = [entry for entry in values.values() if entry["avg_gap"].known]
    assert all(entry["avg_gap"].mean <= entry["seed_gap"].mean + 1e-9 for entry in known)
    runs = cells(data, "significance")[ascent]["runs"]
    assert (runs.main, runs.below) == ("2", "1 diverged")


def test_nothing_measured_is_a_table_of_dashes(nothing):
    rows = cells(nothing.data(EXPERIMENT), "significance").values()
    assert {cell.main for row in rows for key, cell in row.items() if key != "runs"} == {"—"}
