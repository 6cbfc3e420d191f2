"""Costs: shares of Retrain's run time, passes, memory, training-time state."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.reporting.rows import RETRAIN, RowKey
from tests.reporting import synthetic
from tests.reporting.reading import cells, numbers, shown

EXPERIMENT = "class-3"
PGU = RowKey("pgu")


def test_costs_are_shares_of_retrain_and_passes_over_what_was_drawn(whole, holed):
    data = whole.data(EXPERIMENT)
    found = numbers(data, "costs")
    ratio = numbers(data, "methods")[PGU]["time_ratio"].mean
    assert found[PGU]["time_share"].mean == pytest.approx(100 * ratio)
    assert found[PGU]["passes_train"].mean == pytest.approx((1 * 240 + 4 * 60) / 300)
    assert found[PGU]["peak_memory_mib"].mean == 410.2
    assert found[RETRAIN]["time_share"].mean == 100
    assert not found[RETRAIN]["passes_train"].known
    assert "peak_gpu_memory_mib" not in found[PGU]
    shares = numbers(holed.data(EXPERIMENT), "costs")
    assert not shares[PGU]["time_share"].known  # made on another device than Retrain


def test_training_time_state_has_a_column_of_its_own_and_is_no_part_of_rte(whole):
    data = whole.data(EXPERIMENT)
    found, reader = numbers(data, "costs"), RowKey(synthetic.WITH_STATE)
    assert found[reader]["state"].mean == synthetic.STATE_SECONDS
    assert found[reader]["seconds"].mean < 1
    assert [row for row, entry in found.items() if entry["state"].known] == [reader]
    states = {row: entry["state"].main for row, entry in cells(data, "costs").items()}
    assert {row: text for row, text in states.items() if text != "—"} == {reader: "7.50 s"}
    (column,) = (c for c in shown(data, "costs").columns if c.key == "state")
    assert column.card is not None and "not part of RTE" in column.card.compares
    without = whole.data(EXPERIMENT, results=whole.results[whole.results.metric != "seconds_state"])
    assert "state" not in [c.key for c in shown(without, "costs").columns]


def test_nothing_measured_costs_nothing_known(nothing):
    assert np.isnan(
        [n.mean for e in numbers(nothing.data(EXPERIMENT), "costs").values() for n in e.values()]
    ).all()
