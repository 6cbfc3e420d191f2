"""Figures of what runs logged: their curves are means over seeds of the series."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.series import MOST
from reunlearn.reporting.figures import registry
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.series import logged

GDR = RowKey("gdr_gma", "paper")


@pytest.fixture(scope="module")
def data(sweeps):
    return sweeps.data("size-10")


def mean_of(data, series):
    lines = data.tables["series"]
    lines = lines[(lines["method"] == "gdr_gma") & (lines["label"] == "") & (lines["series"] == series)]
    seeds = [part.sort_values("step")["value"].to_numpy() for _, part in lines.groupby("train_seed")]
    assert len(seeds) == 2
    return np.mean(seeds, axis=0)


def test_series_are_means_over_seeds_in_a_bounded_number_of_points(data):
    found = logged(data, ("forget_loss", "cosine", "nobody_logged"))
    assert list(found[GDR]) == ["forget_loss", "cosine"]
    steps, values = found[GDR]["forget_loss"]
    assert steps[-1] == 900 and len(steps) <= MOST
    np.testing.assert_allclose(values, mean_of(data, "forget_loss"), rtol=1e-6)
    assert found[GDR]["cosine"][0].tolist() == [1, 2, 3]
    assert len(found) == 6
    assert not logged(data, ("nobody_logged",))


@pytest.mark.parametrize(
    ("figure", "panel", "curve", "series"),
    [
        ("loss_curves", "gdr_gma@paper", "retain", "retain_loss"),
        ("lambda_curve", "gdr_gma@paper", "λ", "lambda"),
        ("conflict_share", "gdr_gma@paper", "forget – retain", "conflict_forget_retain"),
        ("conflict_pairs", "retain – other forget samples", "gdr_gma@paper", "conflict_retain_others"),
        ("gradient_cosines", "", "gdr_gma@paper", "cosine"),
    ],
)
def test_a_curve_shows_its_series(data, figure, panel, curve, series):
    drawn = registry.get(figure).draw(data)
    lines = [
        line
        for axes in drawn.figure.axes
        if axes.get_title(loc="left") == panel
        for line in axes.lines
        if line.get_label() == curve
    ]
    (line,) = lines
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), mean_of(data, series), rtol=1e-6)


def test_the_name_of_every_curve_stands_once_in_the_legend(data):
    for figure in ("loss_curves", "conflict_pairs"):
        drawn = registry.get(figure).draw(data).figure
        names = {line.get_label() for axes in drawn.axes for line in axes.lines}
        (legend,) = drawn.legends
        assert sorted(text.get_text() for text in legend.get_texts()) == sorted(names)


def test_without_a_log_a_figure_says_what_to_ask_for(whole):
    data = whole.data("random-0.2")
    for figure, log in {
        "loss_curves": "losses",
        "lambda_curve": "lambda",
        "conflict_share": "conflicts",
    }.items():
        assert f"(log: [{log}])" in registry.get(figure).draw(data)
