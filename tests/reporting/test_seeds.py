"""Results seed by seed, against filtering by hand."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.reporting import lines, seeds
from reunlearn.reporting.tables import METRICS

EXPERIMENT = "random-0.2"


def value(results, row, metric, seed, method_seed):
    """Return one number of one run."""
    own = results[(results.experiment == EXPERIMENT) & (results.row == row) & (results.metric == metric)]
    return own[(own.train_seed == seed) & (own.method_seed == method_seed)]["value"].item()


def test_the_floor_stands_under_the_seeds_of_its_retrain(whole):
    tables = seeds.by_seed(whole["results"], EXPERIMENT, list(METRICS))
    assert (
        list(tables[lines.FLOOR].index) == list(tables[lines.RETRAIN].index) == [(s, s, s) for s in range(3)]
    )
    found = tables[lines.FLOOR].loc[(2, 2, 2), "accuracy_test"]
    assert found == value(whole["results"], "retrain", "accuracy_test", 2, 1002)
    assert found != tables[lines.RETRAIN].loc[(2, 2, 2), "accuracy_test"]


def test_gaps_per_seed_are_means_of_absolute_differences(whole):
    gaps = seeds.seed_gaps(seeds.by_seed(whole["results"], EXPERIMENT, list(METRICS)))
    for line, row, shift in (("salun", "salun", 0), (lines.FLOOR, "retrain", 1000)):
        for seed in range(3):
            apart = [
                abs(
                    value(whole["results"], row, m, seed, seed + shift)
                    - value(whole["results"], "retrain", m, seed, seed)
                )
                for m in METRICS
            ]
            assert gaps.loc[(seed, seed, seed), line] == pytest.approx(np.mean(apart))
    assert (gaps[lines.RETRAIN] == 0).all()


def test_runs_that_diverged_or_are_missing_leave_holes(holed):
    tables = seeds.by_seed(holed["results"], EXPERIMENT, list(METRICS))
    gaps = seeds.seed_gaps(tables)
    assert np.isnan(gaps["gradient_ascent"]).tolist() == [False, True, False]
    assert np.isnan(gaps["lur"]).tolist() == [True, False, False]
    own, reference = seeds.paired_values(tables, "lur")
    assert own.shape == reference.shape == (2, len(METRICS))


def test_nothing_measured_gives_nothing(nothing):
    tables = seeds.by_seed(nothing["results"], EXPERIMENT, list(METRICS))
    assert all(table.empty for table in tables.values())
    assert seeds.seed_gaps(tables).empty
