"""Avg. Gap against run time."""

from __future__ import annotations

from reunlearn.reporting.figures import gap_time
from reunlearn.reporting.figures.gap_time import Point
from reunlearn.reporting.rows import RowKey


def test_it_shows_every_method_and_both_levels(whole):
    data = whole.data("random-0.2")
    axes = gap_time.draw(data).figure.axes[0]
    assert {t.get_text() for t in axes.texts if t.get_text()} == {row.heading for row in data.by_row}
    assert axes.get_ylabel() == "Avg. Gap to Retrain (percentage points)"
    assert axes.get_xscale() == "log"


def test_one_bad_method_keeps_the_others_apart():
    gaps = {"retrain": (9.0, 0.0), "a": (1.0, 0.8), "b": (1.1, 1.6), "c": (0.1, 60.0)}
    points = {RowKey(name): Point(*point) for name, point in gaps.items()}
    axes = gap_time.plot(points, {}, "points").axes[0]
    heights = axes.transAxes.inverted().transform(
        axes.transData.transform([(1, point.gap) for point in points.values()])
    )[:, 1]
    assert heights[2] - heights[1] > 0.03  # on a linear axis 0.012
    assert axes.get_ylim()[0] == 0


def test_without_a_method_that_has_both_there_is_none(nothing):
    assert gap_time.draw(nothing.data("random-0.2")) == "No Avg. Gap against run time: no method has both."
