"""Figures over settings, sizes, steps, budgets and classes: each number again from the results."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.metrics.classification import entropy
from reunlearn.reporting.across import forget_share, lines_of
from reunlearn.reporting.figures import heat_map, incremental_curves, log_entropy, poison_budget, registry
from reunlearn.reporting.figures.setting_curves import CARD as SETTING_CURVES
from reunlearn.reporting.frames import read
from reunlearn.reporting.rows import ORIGINAL, RETRAIN, RowKey
from reunlearn.reporting.settings import sweeps_of

FINETUNE, TAU, HALF = RowKey("finetune"), RowKey("nabla_tau"), RowKey("nabla_tau", "", "a0.5")
BASE, G10, E01 = (
    RowKey("gdr_gma", "paper"),
    RowKey("gdr_gma", "paper", "g10"),
    RowKey("gdr_gma", "paper", "e0.1"),
)


def mean(data, row, metric):
    return data.finished[row][metric].mean()


def curve(figure, panel, name):
    (line,) = [
        line
        for axes in figure.axes
        if axes.get_title(loc="left") == panel
        for line in axes.lines
        if line.get_label() == name
    ]
    return np.asarray(line.get_xdata(), float).tolist(), np.asarray(line.get_ydata(), float)


def test_a_sweep_holds_rows_that_differ_in_one_number(sweeps):
    found = {(s.method, s.setting): dict(s.rows) for s in sweeps_of(sweeps.data("size-10"))}
    assert found == {
        ("gdr_gma@paper", "gamma"): {10.0: G10, 100.0: BASE},
        ("gdr_gma@paper", "epsilon"): {0.02: BASE, 0.1: E01},
        ("nabla_tau", "alpha"): {0.05: TAU, 0.5: HALF},
    }
    assert not sweeps_of(sweeps.data("class"))


def test_gap_and_time_stand_over_the_setting(sweeps):
    data = sweeps.data("size-10")
    drawn = registry.get(SETTING_CURVES.name).draw(data)
    numbers = read(data.frame("methods"))
    for name, key in {"Avg. Gap": "avg_gap", "run time": "seconds"}.items():
        x, y = curve(drawn.figure, "gdr_gma@paper: gamma", name)
        assert x == [10.0, 100.0]
        np.testing.assert_allclose(y, [numbers[row][key].mean for row in (G10, BASE)])


def test_a_map_holds_leakage_by_setting_and_size(sweeps):
    maps = {m.title: m for m in heat_map.maps_of(sweeps.whole())}
    tau = {title: m for title, m in maps.items() if "nabla_tau" in title}
    assert len(maps) == 6 and len(tau) == 2
    small, large = sweeps.data("size-10"), sweeps.data("size-30")
    for shown in tau.values():
        assert (shown.setting, shown.settings, shown.shares) == ("alpha", (0.05, 0.5), (10.0, 30.0))
    loss = next(m for title, m in tau.items() if "MIA loss" in title)
    expected = [[mean(data, row, "loss_logistic_cv") for row in (TAU, HALF)] for data in (small, large)]
    np.testing.assert_allclose(loss.values, expected)
    apart = next(m for title, m in tau.items() if "test accuracy" in title)
    expected = abs(mean(large, HALF, "accuracy_forget") - mean(large, HALF, "accuracy_test"))
    assert apart.values[1, 1] == pytest.approx(expected)
    drawn = heat_map.draw(sweeps.whole())
    assert len(drawn.points) == 6 * 4
    texts = {text.get_text() for axes in drawn.figure.axes for text in axes.texts}
    assert f"{expected:.1f}" in texts


def test_experiments_of_one_setting_are_a_line_at_their_sizes(sweeps):
    sizes = [sweeps.data(name) for name in ("size-30", "size-10", "class")]
    (line,) = lines_of(sizes, forget_share)
    assert list(line.experiments) == [10.0, 30.0]
    assert not lines_of(sizes[1:], forget_share)


def test_a_row_that_is_not_at_a_place_is_a_gap_and_one_that_is_there_twice_counts_once(sweeps):
    small, large = sweeps.data("size-10"), sweeps.data("size-30")
    (line,) = lines_of([small, large, small], forget_share)
    values = line.values(FINETUNE, lambda data, row: mean(data, row, "accuracy_test"))
    np.testing.assert_allclose(values, [mean(d, FINETUNE, "accuracy_test") for d in (small, large)])
    assert np.isnan(line.values(RowKey("nobody"), lambda data, row: 1.0)).all()


def test_errors_stand_over_the_steps(sweeps):
    figure = incremental_curves.draw(sweeps.whole()).figure
    data = [sweeps.data(name) for name in ("step-1", "step-2")]
    for row in (FINETUNE, RETRAIN):
        x, y = curve(figure, "test error", row.heading)
        assert x == [1.0, 2.0]
        np.testing.assert_allclose(y, [100 - mean(d, row, "accuracy_test") for d in data])


def test_accuracy_stands_over_the_poison_budget(sweeps):
    x, y = curve(poison_budget.draw(sweeps.whole()).figure, "digits, small_cnn", ORIGINAL.heading)
    assert x == [20.0, 60.0]
    expected = [mean(sweeps.data(name), ORIGINAL, "accuracy_test") for name in ("flip-20", "flip-60")]
    np.testing.assert_allclose(y, expected)


def test_log_entropies_are_shares_in_a_hundred_bins(sweeps):
    data = sweeps.data("class")
    shares = log_entropy.shares_of(data)[FINETUNE]
    assert shares.shape == (100,) and shares.sum() == pytest.approx(1)
    lines = data.tables["samples"]
    kept = (lines["method"] == "finetune") & (lines["set"] == "forget")
    logs = np.log(lines.loc[kept, "entropy"].to_numpy(float))
    assert ((logs > -20) & (logs < 1)).all()
    for number in (80, 95, 99):
        low, high = -20 + 0.21 * number, -20 + 0.21 * (number + 1)
        assert shares[number] == pytest.approx(((logs >= low) & (logs < high)).mean())
    assert entropy(np.zeros((1, 2))) == pytest.approx(np.log(2))  # natural logarithm


def test_bars_show_what_a_forgotten_class_is_taken_for(sweeps):
    data = sweeps.data("class")
    drawn = registry.get("predicted_classes").draw(data)
    points = drawn.points
    table = read(data.frame("confusion"))
    for panel, row in (("finetune", FINETUNE), ("pgu", RowKey("pgu"))):
        part = points[points["panel"] == panel]
        for name, wanted in (("after unlearning", row), ("Retrain", RETRAIN)):
            bars = part[part["series"] == name]
            assert dict(zip(bars["x"], bars["y"], strict=True)) == pytest.approx(
                {number: found.mean for number, found in table[wanted].items()}
            )
            assert bars["y"].sum() == pytest.approx(100)
