"""Ranks over a study: which blocks and methods count."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from reunlearn.reporting.tables.ranks import blocks
from tests.reporting.reading import is_shown, numbers, shown


def averages(data):
    """Return the average rank of each row."""
    return {row: entry["average_rank"].mean for row, entry in numbers(data, "ranks").items()}


def test_ranks_are_those_of_the_gaps_of_all_seeds_and_experiments(whole):
    data = whole.whole()
    table, notes = blocks(data), shown(data, "ranks").notes
    assert table.shape == (6, 10)
    assert RETRAIN not in table.columns
    assert FLOOR in table.columns
    methods = table.drop(columns=[FLOOR, ORIGINAL])
    slow = np.mean([stats.rankdata(row) for row in methods.to_numpy()], axis=0)
    found = averages(data)
    assert [found[RowKey(*key)] for key in methods.columns] == pytest.approx(slow)
    p = stats.friedmanchisquare(*methods.to_numpy().T).pvalue
    assert f"8 methods over 6 blocks: Friedman's p is {p:.2g}" in notes[0]
    with_references = stats.friedmanchisquare(*table.to_numpy().T).pvalue
    assert f"{with_references:.2g}" != f"{p:.2g}"  # control: references would change the test
    assert len(notes) == 1
    assert shown(data, "ranks").rows[0].key == min(found, key=lambda row: found[row])
    assert {entry["average_rank"].n for entry in numbers(data, "ranks").values()} == {6}


def test_references_stand_among_the_methods_without_moving_them(whole):
    data = whole.whole()
    found, table = averages(data), blocks(data)
    methods = table.drop(columns=[FLOOR, ORIGINAL])
    for reference in (FLOOR, ORIGINAL):
        together = [
            stats.rankdata([*block, own])[-1]
            for block, own in zip(methods.to_numpy(), table[reference], strict=True)
        ]
        assert found[reference] == pytest.approx(np.mean(together))


def test_a_method_with_a_hole_is_left_out_and_named(holed):
    data = holed.whole()
    left_out = {RowKey(name) for name in ("lur", "salun", "gradient_ascent")}
    assert left_out.isdisjoint(averages(data))
    assert all(row.heading in shown(data, "ranks").notes[1] for row in left_out)


def test_too_little_to_rank_gives_no_table(whole, nothing):
    assert not is_shown(nothing.whole(), "ranks")
    one_block = whole.results[whole.results.train_seed == 0]
    assert not is_shown(whole.whole("random-0.2", results=one_block), "ranks")
    one_method = whole.results[whole.results.method.isin(["retrain", "noise_floor", "original", "pgu"])]
    assert not is_shown(whole.whole(results=one_method), "ranks")
