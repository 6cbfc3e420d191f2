"""Forget against test samples, a panel per row: what the histograms of loss and of entropy share."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.metrics.histograms import BINS
from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import rows
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.panels import Panel, draw_panels
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey

SAMPLED_BY = "evaluation"  # the measure that counts loss and entropy of the samples
CAPTION = (
    "All seeds together: the original before unlearning, Retrain, and every method after it. Where unlearning "
    "succeeds, the two shapes differ as they do for Retrain. AUC: the chance that a forget sample has the lower "
    "{quantity} of the two, mean over seeds; at 0.5 the two cannot be told apart. Each panel has its own vertical "
    "scale."
)


def draw(data: ExperimentData, quantity: str, label: str) -> Drawn | str:
    """Return one panel per row.

    Args:
        data: of the experiment.
        quantity: loss or entropy.
        label: of the horizontal axis.
    """
    panels = panels_of(data, quantity)
    if panels:
        return Drawn(draw_panels(panels, label), CAPTION.format(quantity=quantity))
    if SAMPLED_BY in data.measures:
        return f"No histograms of the {quantity}: no run left outputs."
    return f"No histograms of the {quantity}: this experiment does not measure it per sample."


def panels_of(data: ExperimentData, quantity: str) -> dict[RowKey, Panel]:
    """Return of each row the counts of its runs together, and the mean AUC over seeds, in the order of the panels."""
    by_row = rows.by_row(data.tables["histograms"])
    panels = {}
    for row in _order(by_row):
        lines = by_row[row][by_row[row]["quantity"] == quantity]
        forget, test = (_counts(lines[lines["set"] == name]) for name in ("forget", "test"))
        area = summarise(rows.values(data.finished[row], f"{quantity}_auc")).mean
        panels[row] = Panel(forget, test, area)
    return panels


def _counts(lines: pd.DataFrame) -> np.ndarray:
    return np.bincount(lines["bin"], weights=lines["count"], minlength=BINS)


def _order(by_row: dict[RowKey, pd.DataFrame]) -> list[RowKey]:
    """Return original, Retrain, then the methods."""
    first = [row for row in (ORIGINAL, RETRAIN) if row in by_row]
    return first + [row for row in by_row if row not in (ORIGINAL, RETRAIN, FLOOR)]
