"""Attacks: the mean AUC over seeds, its interval, and what a table says of them."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.separation import METRICS, auc
from reunlearn.reporting.rows import RETRAIN, RowKey
from tests.reporting.reading import numbers, shown

EXPERIMENT = "random-0.2"
PGU, LUR, ASCENT = RowKey("pgu"), RowKey("lur"), RowKey("gradient_ascent")


def values(data, row, metric):
    """Return a metric of one row, by filtering."""
    results = data.results[(data.results.method == row.method) & (data.results.metric == metric)]
    return results["value"].to_numpy()


def test_attacks_stand_in_the_order_of_the_study_after_all_other_measures(whole):
    data = whole.data(EXPERIMENT)
    assert list(data.measures) == ["comparison", "evaluation", "shadow_xgboost", "entropy_logistic"]
    assert list(data.attacks) == list(data.experiment.attacks)
    assert [c.key for c in shown(data, "attacks").columns] == [*data.attacks, "runs"]


def test_attacks_have_the_mean_auc_over_the_seeds_that_finished(holed):
    data = holed.data(EXPERIMENT)
    found = numbers(data, "attacks")
    aucs = []
    for _, scores in holed.tables.read("scores", experiment=EXPERIMENT).groupby("run"):
        scores = scores[(scores.attack == "entropy_logistic") & (scores.method == "retrain")]
        if len(scores):
            aucs.append(auc(scores[scores.member].score.to_numpy(), scores[~scores.member].score.to_numpy()))
    area = found[RETRAIN]["entropy_logistic.auc"]
    assert len(aucs) == area.n == 3
    assert area.mean == pytest.approx(np.mean(aucs), abs=1e-4)  # scores are kept as float32
    assert area.low < np.mean(aucs) < area.high
    assert found[LUR]["entropy_logistic.auc"].n == found[ASCENT]["entropy_logistic.auc"].n == 2
    for metric in METRICS:
        name = f"entropy_logistic.{metric}"
        assert found[RETRAIN][name].mean == pytest.approx(values(data, RETRAIN, name).mean())
    assert "2 to 3" in shown(data, "attacks").notes[0]


def test_one_seed_has_the_interval_of_its_samples(whole):
    data = whole.data(EXPERIMENT, results=whole.results[whole.results.train_seed == 1])
    area = numbers(data, "attacks")[PGU]["shadow_xgboost.auc"]
    ends = [values(data, PGU, f"shadow_xgboost.auc{end}").item() for end in ("", "_low", "_high")]
    assert [area.mean, area.low, area.high] == ends
    assert "seeds: 1." in shown(data, "attacks").notes[0]


def test_without_a_finished_run_there_is_no_area(nothing):
    found = numbers(nothing.data(EXPERIMENT), "attacks")
    assert not any(entry["entropy_logistic.auc"].known for entry in found.values())
