"""Attacks with the scores of all models in one ROC."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.separation import auc
from reunlearn.reporting.rows import RowKey
from tests.reporting.reading import numbers, shown

EXPERIMENT = "random-0.2"
PGU = RowKey("pgu")


def test_scores_of_all_seeds_are_in_one_order(whole):
    data = whole.data(EXPERIMENT)
    found = numbers(data, "pooled_attacks")[PGU]["shadow_xgboost.auc_pooled"]
    scores = whole.tables.read("scores", experiment=EXPERIMENT)
    scores = scores[(scores.method == "pgu") & (scores.attack == "shadow_xgboost")]
    members, others = (scores[scores.member == side].score.to_numpy() for side in (True, False))
    wins = (members[:, None] > others[None]).mean() + 0.5 * (members[:, None] == others[None]).mean()
    assert found.mean == pytest.approx(wins)
    assert found.n == 3
    each = []
    for _, part in scores.groupby("run"):
        each.append(auc(*(part[part.member == side].score.to_numpy() for side in (True, False))))
    assert found.mean != pytest.approx(np.mean(each), abs=1e-9)  # the control: not the mean over models
    assert [c.key for c in shown(data, "pooled_attacks").columns] == ["shadow_xgboost.auc_pooled", "runs"]


def test_attacks_that_are_fitted_to_each_model_are_not_pooled(whole):
    data = whole.data(EXPERIMENT)
    names = {name for entry in numbers(data, "pooled_attacks").values() for name in entry}
    assert names == {"shadow_xgboost.auc_pooled"}


def test_without_scores_there_is_no_area(nothing):
    assert not any(numbers(nothing.data(EXPERIMENT), "pooled_attacks").values())
