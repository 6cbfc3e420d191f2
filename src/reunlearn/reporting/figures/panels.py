"""Small multiples of forget against test, one panel per row of the table: shared by two histograms."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from reunlearn.metrics.separation import auc
from reunlearn.reporting.figures.style import FORGET, INK, MUTED, TEST, clear_y, house_style
from reunlearn.reporting.rows import RowKey

COLUMNS = 4
BINS = 36


def draw_panels(samples: Mapping[RowKey, pd.DataFrame], column: str, label: str, lowest: float) -> Figure:
    """Return one panel per row with the histograms of `column` over forget (filled) and test (outlined).

    Args:
        samples: per-sample values of each row, in the order of the panels, with columns set and `column`.
        column: what is counted; positive, shown on a logarithmic axis.
        label: of the horizontal axis.
        lowest: smaller values are counted in the first bin.
    """
    with house_style():
        height = max(1, math.ceil(len(samples) / COLUMNS))
        figure = Figure(figsize=(10.5, 1.85 * height + 0.4), layout=ConstrainedLayoutEngine(wspace=0.06))
        grid = figure.subplots(height, COLUMNS, squeeze=False)
        edges = _edges(pd.concat([part[column] for part in samples.values()]).to_numpy(dtype=float), lowest)
        for axes, (row, part) in zip(grid.flat, samples.items(), strict=False):
            axes.set_title(row.heading, color=INK, fontweight="bold", pad=4)
            _panel(axes, part, column, edges)
        for axes in grid.flat[len(samples) :]:
            axes.set_visible(False)
        figure.supxlabel(label, fontsize=9, color=MUTED)
        return figure


def _edges(values_N: np.ndarray, lowest: float) -> np.ndarray:
    """Return bin edges, equal in the logarithm, that hold nearly all values."""
    finite_N = values_N[np.isfinite(values_N)]
    low, high = np.quantile(finite_N, [0.005, 0.999]) if len(finite_N) else (lowest, 1.0)
    low = max(float(low), lowest)
    return np.geomspace(low, max(float(high), 10 * low), BINS + 1)


def _panel(axes: Axes, part: pd.DataFrame, column: str, edges: np.ndarray) -> None:
    axes.set_xscale("log")
    axes.set_xlim(edges[0], edges[-1])
    clear_y(axes)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(LogLocator(numticks=6))
    axes.xaxis.set_minor_locator(NullLocator())
    sides = {name: _within(part.loc[part["set"] == name, column], edges) for name in ("test", "forget")}
    if not all(len(values) for values in sides.values()):
        axes.text(0.5, 0.45, "no finite values", transform=axes.transAxes, ha="center", color=MUTED)
        return
    forget = np.histogram(sides["forget"], edges)[0] / len(sides["forget"])
    test = np.histogram(sides["test"], edges)[0] / len(sides["test"])
    axes.stairs(forget, edges, fill=True, color=FORGET, alpha=0.45, linewidth=0)
    axes.stairs(forget, edges, color=FORGET, linewidth=0.9, label="forget")
    axes.stairs(test, edges, color=TEST, linewidth=1.4, label="test")
    axes.set_ylim(0, 1.12 * max(forget.max(), test.max()))
    lower = auc(-sides["forget"], -sides["test"])
    axes.text(
        1.0,
        1.02,
        f"AUC {lower:.2f}",
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        color=MUTED,
        fontsize=8,
    )


def _within(values: pd.Series, edges: np.ndarray) -> np.ndarray:
    """Return the finite values, those beyond the edges moved to the outer bins."""
    array = values.to_numpy(dtype=float)
    return np.clip(array[np.isfinite(array)], edges[0], edges[-1])
