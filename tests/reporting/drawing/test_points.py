"""The numbers of a figure, against what it draws."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.reporting.drawing.points import points_of
from reunlearn.reporting.figures import roc
from reunlearn.reporting.rows import FLOOR, RETRAIN


def test_the_numbers_of_a_figure_are_those_that_it_draws(whole):
    data = whole.data("random-0.2")
    curve = roc.curves_of(data, "shadow_xgboost")[RETRAIN]
    points = points_of(roc.draw(data).figure)
    assert set(points["series"]) == {row.heading for row in data.by_row} - {FLOOR.heading}
    retrain = points[points["series"] == "Retrain"]
    x, y = np.r_[0.0, curve.false], np.r_[0.0, curve.true]
    assert np.trapezoid(retrain["y"], retrain["x"]) == pytest.approx(np.trapezoid(y, x))
    assert len(retrain) < len(x)  # only the corners
