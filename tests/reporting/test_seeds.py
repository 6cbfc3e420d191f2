"""Results seed by seed, against filtering by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.reporting import seeds
from reunlearn.reporting.rows import FLOOR, RETRAIN, RowKey

EXPERIMENT = "random-0.2"
SALUN, LUR = RowKey("salun"), RowKey("lur")


@pytest.fixture(scope="module")
def data(whole):
    """One experiment in which every run finished."""
    return whole.data(EXPERIMENT)


def value(data, row, metric, seed):
    """Return one number of one run."""
    results = data.results[(data.results.method == row.method) & (data.results.metric == metric)]
    return results[(results.train_seed == seed) & (results.method_seed == seed)]["value"].item()


def test_the_floor_stands_under_the_seeds_of_its_retrain(data):
    tables = seeds.by_seed(data, data.headline.metrics)
    assert list(tables[FLOOR].index) == list(tables[RETRAIN].index) == [(s, s, s) for s in range(3)]
    accuracy = tables[FLOOR].loc[(2, 2, 2), "accuracy_test"]
    assert accuracy == value(data, FLOOR, "accuracy_test", 2)
    assert accuracy != tables[RETRAIN].loc[(2, 2, 2), "accuracy_test"]


def test_gaps_per_seed_are_means_of_absolute_differences(data):
    metrics = data.headline.metrics
    gaps = seeds.seed_gaps(seeds.by_seed(data, metrics))
    for row in (SALUN, FLOOR):
        for seed in range(3):
            apart = [abs(value(data, row, m, seed) - value(data, RETRAIN, m, seed)) for m in metrics]
            assert gaps.loc[(seed, seed, seed), row] == pytest.approx(np.mean(apart))
    assert (gaps[RETRAIN] == 0).all()


def test_runs_that_diverged_or_are_missing_leave_holes(holed):
    data = holed.data(EXPERIMENT)
    tables = seeds.by_seed(data, data.headline.metrics)
    gaps = seeds.seed_gaps(tables)
    assert np.isnan(gaps[RowKey("gradient_ascent")]).tolist() == [False, True, False]
    assert np.isnan(gaps[LUR]).tolist() == [True, False, False]
    values, reference = seeds.paired_values(tables, LUR)
    assert values.shape == reference.shape == (2, len(data.headline.metrics))


def test_nothing_measured_gives_nothing(nothing):
    data = nothing.data(EXPERIMENT)
    tables = seeds.by_seed(data, data.headline.metrics)
    assert all(table.empty for table in tables.values())
    assert seeds.seed_gaps(tables).empty
