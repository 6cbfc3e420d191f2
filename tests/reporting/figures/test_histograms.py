"""Histograms of loss and entropy: panels, shares, areas."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from reunlearn.metrics.histograms import BINS, counts_of
from reunlearn.metrics.separation import auc
from reunlearn.reporting.drawing.panels import draw_panels
from reunlearn.reporting.figures import registry
from reunlearn.reporting.figures._histograms import panels_of
from reunlearn.reporting.rows import ORIGINAL, RETRAIN, RowKey


@pytest.fixture(scope="module")
def data(whole):
    """One experiment."""
    return whole.data("random-0.2")


@pytest.mark.parametrize("quantity", ["loss", "entropy"])
def test_histograms_have_a_panel_per_row(data, quantity):
    panels = panels_of(data, quantity)
    wide, pgu = RowKey("gdr_gma", "code", "wide"), RowKey("pgu")
    some = {row: panels[row] for row in (ORIGINAL, RETRAIN, wide, pgu, RowKey("lur"))}
    figure = draw_panels(some, "label")
    shown = [axes for axes in figure.axes if axes.get_visible()]
    titles = ["Original", "Retrain", "gdr_gma@code+wide", "pgu", "lur"]
    assert [axes.get_title(loc="left") for axes in shown] == titles
    assert all(axes.patches for axes in shown)
    nothing = dataclasses.replace(some[pgu], forget=np.zeros(BINS), auc=np.nan)
    panel = draw_panels(some | {pgu: nothing}, "label").axes[3]
    assert not panel.patches
    assert [t.get_text() for t in panel.texts] == ["no finite values"]


def test_the_two_figures_show_their_own_quantity(data):
    loss, entropy = (registry.get(f"{name}_histograms").draw(data) for name in ("loss", "entropy"))
    assert loss.figure.get_supxlabel() == "cross-entropy loss of a sample"
    assert entropy.figure.get_supxlabel() == "entropy of a sample's output (nats)"
    assert "lower entropy of the two" in entropy.caption


def test_a_panel_shows_the_samples_of_all_seeds_and_the_mean_auc(whole, data):
    panel = panels_of(data, "loss")[RETRAIN]
    samples = whole.tables.read("samples", experiment="random-0.2")
    samples = samples[samples.method == "retrain"]
    for name in ("forget", "test"):
        losses = samples.loc[samples.set == name, "loss"].to_numpy(dtype=float)
        assert np.abs(getattr(panel, name) - counts_of(losses)).sum() <= 2  # float32 may cross an edge
    aucs = [
        auc(-part[part.set == "forget"].loss.to_numpy(), -part[part.set == "test"].loss.to_numpy())
        for _, part in samples.groupby("run")
    ]
    assert panel.auc == pytest.approx(np.mean(aucs), abs=1e-4)
    assert f"AUC {panel.auc:.2f}" in {
        t.get_text() for t in draw_panels({RETRAIN: panel}, "loss").axes[0].texts
    }


def test_histogram_shares_sum_to_one_although_values_lie_beyond_the_edges(data):
    panel = panels_of(data, "loss")[RETRAIN]
    wild = dataclasses.replace(panel, forget=counts_of(np.full(10, 1e-30)))
    stairs = draw_panels({RETRAIN: wild}, "loss").axes[0].patches[0]
    assert stairs.get_data().values.sum() == pytest.approx(1)
    assert stairs.get_data().values[0] == 1
