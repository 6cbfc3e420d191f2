"""ROC of one attack: which, whose, and over which seeds."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.roc_grid import RATES, true_positive_rates
from reunlearn.reporting.figures import roc
from reunlearn.reporting.rows import FLOOR, RETRAIN
from reunlearn.reporting.tables.methods import marks


@pytest.fixture(scope="module")
def data(whole):
    """One experiment."""
    return whole.data("random-0.2")


def test_references_and_the_marked_are_named_and_the_floor_is_left_out(data):
    assert FLOOR in roc.curves_of(data, "shadow_xgboost")
    drawn = roc.draw(data)
    assert drawn.title == "ROC of shadow_xgboost"
    named = [t.get_text() for t in drawn.figure.legends[0].get_texts()]
    by_mark = {mark: row.heading for row, mark in marks(data).items()}
    expected = [by_mark["best"], by_mark["second"], "Retrain", "Original", "other methods"]
    assert [n.split(",")[0] for n in named] == expected
    assert len(drawn.figure.axes[0].lines) == 1 + len(data.by_row) - 1  # the diagonal; no floor


def test_without_the_shadow_attack_it_is_the_first_that_left_a_curve(data, whole):
    lines = data.tables["roc"]
    drawn = roc.draw(whole.data("random-0.2", roc=lines[lines.attack != "shadow_xgboost"]))
    assert drawn.title == "ROC of entropy_logistic"
    assert "this is the ROC of entropy_logistic" in drawn.caption
    assert roc.draw(whole.data("random-0.2", roc=lines[:0])) == "No ROC: no attack left scores."


def test_roc_is_the_mean_of_the_runs_curves(whole, data):
    curve = roc.curves_of(data, "entropy_logistic")[RETRAIN]
    runs = [part for _, part in whole.tables.read("scores", experiment="random-0.2").groupby("run")]
    runs = [part[(part.method == "retrain") & (part.attack == "entropy_logistic")] for part in runs]
    curves = [
        true_positive_rates(
            *(part.score[part.member == side].to_numpy(dtype=float) for side in (True, False))
        )
        for part in runs
        if part.size
    ]
    assert curve.seeds == len(curves) == 3
    np.testing.assert_allclose(curve.false, RATES)
    np.testing.assert_allclose(curve.true, np.mean(curves, axis=0), atol=1e-9)
    assert np.abs(curve.true - curves[0]).max() > 0.01  # the control: one run's curve is another
