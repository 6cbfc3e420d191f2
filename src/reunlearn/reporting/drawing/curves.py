"""Curves in panels, with one legend below all of them: what figures over steps, epochs or settings share."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from reunlearn.reporting.drawing.style import BEST, FORGET, INK, MUTED, SECOND, TEST, house_style

COLUMNS = 3
WIDTH, HEIGHT = 3.4, 2.1  # inches of a panel
LEGEND, HANDLE, LETTER = 0.2, 0.65, 0.075  # inches in the legend: of a line, of a handle, of a letter
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1, 1)), (0, (5, 1.5, 1, 1.5)))
COLOURS = (TEST, FORGET, BEST, SECOND)
MARKERS = "os^Dv"
FEW = 12  # points of a curve that are marked


@dataclass(frozen=True)
class Curve:
    """One curve: x and y [N], colour and dashes, and the ends [N] of a band around it."""

    x: np.ndarray
    y: np.ndarray
    look: Mapping[str, Any] = field(default_factory=dict)
    low: np.ndarray | None = None
    high: np.ndarray | None = None


Curves = Mapping[str, Curve]  # by the name in the legend


def look(number: int) -> dict[str, Any]:
    """Return how the curve of this number is drawn: colour and dashes both tell it from its neighbours."""
    colour = COLOURS[number % len(COLOURS)]
    turn = number // len(COLOURS)
    return {"color": colour, "linestyle": DASHES[turn % len(DASHES)], "marker": MARKERS[turn % len(MARKERS)]}


REFERENCE = {"color": INK, "linestyle": (0, (4, 3)), "marker": ""}


def draw_curves(panels: Mapping[str, Curves], x: str, y: str, **limits: Any) -> Figure:
    """Return one panel per title.

    Args:
        panels: curves, by the title of their panel.
        x, y: labels of the axes.
        limits: for every panel, as matplotlib's `Axes.set` takes them.
    """
    with house_style():
        across = min(COLUMNS, max(1, len(panels)))
        down = max(1, math.ceil(len(panels) / across))
        wide = WIDTH * (1.5 if across == 1 else 1.0)
        layout = ConstrainedLayoutEngine(wspace=0.06, hspace=0.06)
        names = {name for curves in panels.values() for name in curves}
        legend = LEGEND * math.ceil(len(names) / legend_columns(names, across * wide))
        figure = Figure(figsize=(across * wide, down * HEIGHT + legend + 0.4), layout=layout)
        grid = figure.subplots(down, across, squeeze=False)
        for axes, (title, curves) in zip(grid.flat, panels.items(), strict=False):
            axes.set_title(title, color=INK, fontweight="bold", pad=4)
            draw_on(axes, curves)
            axes.set(**limits)
        for axes in grid.flat[len(panels) :]:
            axes.set_visible(False)
        label(figure, across, len(panels), x, y)
        add_legend(figure)
        return figure


def draw_on(axes: Axes, curves: Curves) -> None:
    """Draw curves; short ones with their points, and what has no x between the ends of others stays visible."""
    for name, curve in curves.items():
        style = {"linewidth": 1.4, "markersize": 3.6, "markeredgewidth": 0.0, **curve.look}
        if len(curve.x) > FEW:
            style["marker"] = ""
        axes.plot(curve.x, curve.y, label=name, **style)
        if curve.low is not None and curve.high is not None:
            axes.fill_between(curve.x, curve.low, curve.high, color=style["color"], alpha=0.15, linewidth=0)


def label(figure: Figure, across: int, panels: int, x: str, y: str = "") -> None:
    """Name the horizontal axis below the last panel of each column, the vertical one once.

    One name for all columns would stand where the legend does.
    """
    for axes in figure.axes[max(0, panels - across) : panels]:
        axes.set_xlabel(x)
    if y:
        figure.supylabel(y, fontsize=9, color=MUTED)


def legend_columns(names: Collection[str], width: float) -> int:
    """Return how many columns of a legend stand side by side in so many inches."""
    longest = max(map(len, names), default=0)
    return max(1, min(len(names), int(width / (HANDLE + LETTER * longest))))


def add_legend(figure: Figure) -> None:
    """Name every curve once below the panels; nothing where all have one name."""
    handles: dict[str, Any] = {}
    for axes in figure.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            handles.setdefault(name, handle)
    if len(handles) > 1:
        columns = legend_columns(handles, figure.get_figwidth())
        figure.legend(
            list(handles.values()), list(handles), loc="outside lower center", ncols=columns, labelcolor=INK
        )


def numbered(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return a look for each name, in their order."""
    return {name: look(number) for number, name in enumerate(names)}
