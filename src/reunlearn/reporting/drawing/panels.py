"""Small multiples of forget against test, one panel per row of the table: shared by two histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reunlearn.metrics.histograms import widened
from reunlearn.reporting import numbers
from reunlearn.reporting.drawing.style import FORGET, INK, MUTED, TEST, clear_y, house_style
from reunlearn.reporting.rows import RowKey

COLUMNS = 4
MOST_BINS = 36


@dataclass(frozen=True)
class Panel:
    """What one panel shows: counts of both sets in the fine bins, and the AUC that is written beside them."""

    forget: np.ndarray
    test: np.ndarray
    auc: float


def draw_panels(panels: Mapping[RowKey, Panel], label: str) -> Figure:
    """Return one panel per row with the histograms of forget (filled) and test (outlined), in equal bins.

    Args:
        panels: of each row, in their order.
        label: of the horizontal axis, which is logarithmic.
    """
    with house_style():
        height = max(1, math.ceil(len(panels) / COLUMNS))
        figure = Figure(figsize=(10.5, 1.85 * height + 0.4), layout=ConstrainedLayoutEngine(wspace=0.06))
        grid = figure.subplots(height, COLUMNS, squeeze=False)
        counts = np.array([side for panel in panels.values() for side in (panel.forget, panel.test)])
        edges, wide_HW = widened(counts, MOST_BINS)
        for place, (axes, (row, panel)) in enumerate(zip(grid.flat, panels.items(), strict=False)):
            axes.set_title(row.heading, color=INK, fontweight="bold", pad=4)
            _panel(axes, edges, wide_HW[2 * place : 2 * place + 2], panel.auc)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        figure.supxlabel(label, fontsize=9, color=MUTED)
        return figure


def _panel(axes: Axes, edges: np.ndarray, counts_2W: np.ndarray, auc: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    clear_y(axes)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_minor_locator(NullLocator())
    totals_2 = counts_2W.sum(axis=1)
    if not totals_2.all():
        axes.text(0.5, 0.45, "no finite values", transform=axes.transAxes, ha="center", color=MUTED)
        return
    forget, test = counts_2W / totals_2[:, None]
    axes.stairs(forget, edges, fill=True, color=FORGET, alpha=0.45, linewidth=0)
    axes.stairs(forget, edges, color=FORGET, linewidth=0.9, label="forget")
    axes.stairs(test, edges, color=TEST, linewidth=1.4, label="test")
    axes.set_ylim(0, 1.12 * max(forget.max(), test.max()))
    if not numbers.known(auc):
        return
    axes.text(
        1.0,
        1.02,
        f"AUC {auc:.2f}",
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        color=MUTED,
        fontsize=8,
    )
