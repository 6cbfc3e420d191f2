"""Average ranks on a line, with bars over what cannot be told apart (the diagram of Demšar 2006)."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reunlearn.metrics.ranks import cliques
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import FORGET, INK, MUTED, TEST, house_style
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.study_data import StudyData
from reunlearn.reporting.tables.ranks import ranks_of
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="critical_difference",
    summary="average ranks on a line, with bars over what cannot be told apart",
    title="Average ranks with the critical difference",
    table="ranks",
    scope="study",
    order=10,
    wide=True,
)
CAPTION = (
    "Left is better. A bar joins methods less than Nemenyi's critical difference (CD, level 0.05) apart, which "
    "cannot be told from each other. Dashed: references, which do not compete, where they would stand among the "
    "methods."
)

STEP = 0.28  # inches between two names
BAR = 0.16  # inches between two bars


def draw(data: StudyData) -> Drawn | str:
    """Return the diagram; nothing where too little is there to be ranked."""
    found = ranks_of(data)
    return Drawn(plot(found.average, found.ranking.critical_difference), CAPTION) if found else ""


def plot(average: dict[RowKey, float], critical: float) -> Figure:
    """Return the diagram.

    Args:
        average: {row: its average rank}; two methods at least. References stand among them, without bars.
        critical: the critical difference; NaN draws no bars.
    """
    order = sorted(average, key=lambda row: average[row])
    ranks = np.array([average[row] for row in order])
    methods = np.array([average[row] for row in order if not row.is_reference])
    bars = (
        [(methods[first], methods[last]) for first, last in cliques(methods, critical)]
        if math.isfinite(critical)
        else []
    )
    above, below = 0.75, 0.25 + BAR * len(bars) + STEP * math.ceil(len(order) / 2)
    with house_style():
        figure = Figure(figsize=(10.5, above + below + 0.1))
        axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
        low, high = 1.0, max(float(len(methods)), math.ceil(ranks[-1]))
        margin = 0.42 * (high - low)
        axes.set_xlim(low - margin, high + margin)
        axes.set_ylim(-below, above)  # inches
        axes.axis("off")
        _axis(axes, int(low), int(high))
        if math.isfinite(critical):
            _ruler(axes, critical, low, high)
        for level, (first, last) in enumerate(bars):
            y = -0.14 - BAR * level
            pad = 0.006 * (high - low)
            axes.plot([first - pad, last + pad], [y, y], color=INK, linewidth=3.2)
        ends = (low - 0.06 * margin, high + 0.06 * margin)
        _names(axes, order, ranks, top=-0.2 - BAR * len(bars), ends=ends)
        return figure


def _axis(axes: Axes, low: int, high: int) -> None:
    axes.plot([low, high], [0, 0], color=MUTED, linewidth=0.8)
    every = max(1, (high - low) // 15)
    for tick in range(low, high + 1, every):
        axes.plot([tick, tick], [0, 0.07], color=MUTED, linewidth=0.8)
        axes.text(tick, 0.12, str(tick), ha="center", va="bottom", color=MUTED, fontsize=8)


def _ruler(axes: Axes, critical: float, low: float, high: float) -> None:
    """Draw the critical difference to scale; one wider than the axis is cut and says so."""
    shown = min(critical, high - low)
    axes.plot([low, low + shown], [0.45, 0.45], color=INK, linewidth=1.2)
    for x in (low, low + shown):
        axes.plot([x, x], [0.41, 0.49], color=INK, linewidth=1.2)
    text = f"CD = {critical:.2f}" + (" (wider than the axis)" if critical > high - low else "")
    axes.text(low, 0.54, text, ha="left", va="bottom", color=INK, fontsize=8.5)


def _names(
    axes: Axes, order: list[RowKey], ranks: np.ndarray, *, top: float, ends: tuple[float, float]
) -> None:
    """Write the better half of the names to the left and the worse to the right, each led to its rank."""
    half = math.ceil(len(order) / 2)
    for place, (row, value) in enumerate(zip(order, ranks.tolist(), strict=True)):
        left = place < half
        depth = place if left else len(order) - 1 - place
        y, x = top - STEP * (depth + 0.4), ends[0 if left else 1]
        colour = FORGET if row.is_reference else TEST
        dashes = (0, (4, 2)) if row.is_reference else "-"
        axes.plot([value, value, x], [0, y, y], color=colour, linewidth=0.8, linestyle=dashes)
        text = f"{row.heading}  {value:.2f}" if left else f"{value:.2f}  {row.heading}"
        axes.text(x, y, f" {text} ", ha="right" if left else "left", va="center", color=INK, fontsize=8.5)
