"""Logarithm of the entropy of the outputs on forget: a method's between the original's and Retrain's (PGU, Fig. 1)."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reunlearn.reporting import rows
from reunlearn.reporting.drawing.curves import COLUMNS, add_legend, label
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import FORGET, INK, TEST, clear_y, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import ORIGINAL, RETRAIN, RowKey
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="log_entropy",
    summary="logarithm of the entropy on forget of each method, the original and Retrain",
    title="Log entropy of the outputs on forget",
    table="accuracies",
    order=45,
    default=False,
    points=True,
    wide=True,
)
EDGES = np.linspace(-20.0, 1.0, 101)  # PGU: 100 bins from −20 to 1
CAPTION = (
    "All seeds together, natural logarithm, 100 bins from −20 to 1; what lies outside is counted in the first "
    "or the last. Where unlearning succeeds, the method's shape is that of Retrain. Each panel has its own "
    "vertical scale."
)
REFERENCES = {ORIGINAL: ("before unlearning", FORGET), RETRAIN: ("Retrain", INK)}


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per method."""
    shares = shares_of(data)
    methods = [row for row in shares if not row.is_reference]
    if not methods:
        return "No log entropy: no finished run of a method left outputs."
    return Drawn(_plot(methods, shares), CAPTION)


def shares_of(data: ExperimentData) -> dict[RowKey, np.ndarray]:
    """Return of each row the share [100] of its forget samples in each bin."""
    lines = data.tables["samples"]
    found = {}
    for row, part in rows.by_row(lines[lines["set"] == "forget"]).items():
        entropy_N = part["entropy"].to_numpy(dtype=float)
        entropy_N = entropy_N[np.isfinite(entropy_N)]
        if len(entropy_N):
            logs_N = np.log(np.maximum(entropy_N, math.exp(EDGES[0])))
            found[row] = np.histogram(np.clip(logs_N, EDGES[0], EDGES[-1]), EDGES)[0] / len(logs_N)
    return found


def _plot(methods: list[RowKey], shares: dict[RowKey, np.ndarray]) -> Figure:
    with house_style():
        across = min(COLUMNS, len(methods))
        down = math.ceil(len(methods) / across)
        layout = ConstrainedLayoutEngine(wspace=0.06)
        figure = Figure(figsize=(3.4 * max(across, 1.4), 1.9 * down + 0.7), layout=layout)
        grid = figure.subplots(down, across, squeeze=False)
        for axes, row in zip(grid.flat, methods, strict=False):
            axes.set_title(row.heading, color=INK, fontweight="bold", pad=4)
            _panel(axes, shares, row)
        for axes in grid.flat[len(methods) :]:
            axes.set_visible(False)
        label(figure, across, len(methods), "log entropy of a forget sample")
        add_legend(figure)
        return figure


def _panel(axes: Axes, shares: dict[RowKey, np.ndarray], row: RowKey) -> None:
    clear_y(axes)
    axes.stairs(shares[row], EDGES, fill=True, color=TEST, alpha=0.45, linewidth=0, label="after unlearning")
    for reference, (name, colour) in REFERENCES.items():
        if reference in shares:
            axes.stairs(shares[reference], EDGES, color=colour, linewidth=1.1, label=name)
    axes.set_xlim(EDGES[0], EDGES[-1])
