"""Avg. Gap against run time: what closeness to Retrain costs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.labels import place_labels
from reunlearn.reporting.drawing.style import BEST, FORGET, INK, MUTED, SECOND, TEST, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import read
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RETRAIN, RowKey
from reunlearn.reporting.tables.methods import marks
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="gap_time",
    summary="each method's Avg. Gap against its run time",
    title="Avg. Gap against run time",
    table="methods",
    order=10,
    audit=False,
)
CAPTION = (
    "Lower left is better: near Retrain, at little cost. Retrain stands at gap 0. Dashed: the original, "
    "with nothing unlearned, and the noise floor."
)
SPREAD = 8.0  # beyond this ratio of gaps the vertical axis shows their square root
_LOOKS = {"best": (BEST, "^"), "second": (SECOND, "s"), "": (TEST, "o")}  # colour and marker, by mark


class Point(NamedTuple):
    """Run time and average gap of a row."""

    seconds: float
    gap: float

    @property
    def known(self) -> bool:
        """Whether there are both."""
        return bool(np.isfinite(self.seconds) and np.isfinite(self.gap))


def draw(data: ExperimentData) -> Drawn | str:
    """Return one labelled point per method; Retrain is the point at gap 0."""
    values = read(data.frame("methods"))
    points = {row: Point(found["seconds"].mean, found["avg_gap"].mean) for row, found in values.items()}
    if not any(point.known for row, point in points.items() if not row.is_reference):
        return "No Avg. Gap against run time: no method has both."
    return Drawn(plot(points, marks(data), data.headline.unit.long), CAPTION)


def plot(points: Mapping[RowKey, Point], marks: Mapping[RowKey, str], unit: str) -> Figure:
    """Return the figure.

    Args:
        points: of each row.
        marks: which methods are "best" and "second".
        unit: of the average gap.
    """
    with house_style():
        figure = Figure(figsize=(5.1, 5.0), layout="constrained")
        axes = figure.subplots()
        shown = []
        for row, point in points.items():
            if row.is_reference or not point.known:
                continue
            colour, marker = _LOOKS[marks.get(row, "")]
            axes.scatter(
                [point.seconds], [point.gap], color=colour, marker=marker, s=34, zorder=3, linewidths=0
            )
            shown.append((point.seconds, point.gap, row.heading, colour))
        if RETRAIN in points and np.isfinite(points[RETRAIN].seconds):
            retrain = points[RETRAIN].seconds
            axes.scatter([retrain], [0.0], c=INK, s=46, marker="D", zorder=4, linewidths=0, clip_on=False)
            shown.append((retrain, 0.0, RETRAIN.heading, INK))
        levels = {row: points[row].gap for row in (ORIGINAL, FLOOR) if row in points}
        _scales(axes, shown, [v for v in levels.values() if np.isfinite(v)])
        _levels(axes, levels, shown)
        place_labels(axes, shown, list(levels.values()))
        axes.set_xlabel("run time (s)")
        axes.set_ylabel(f"Avg. Gap to Retrain ({unit})")
        return figure


def _scales(axes: Axes, points: list[tuple[float, float, str, str]], levels: list[float]) -> None:
    """Set a logarithmic time axis, and a gap axis from 0 that one bad method does not flatten."""
    times = [p[0] for p in points] or [1.0]
    gaps = [p[1] for p in points] + levels
    top = 1.12 * max([*gaps, 1e-3])
    positive = [g for g in gaps if g > 0]
    axes.set_xscale("log")
    axes.set_xlim(min(times) / 2.2, max(times) * 2.2)
    axes.xaxis.set_major_locator(FixedLocator(_nice(min(times) / 2.2, max(times) * 2.2)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if positive and top / min(positive) > SPREAD:
        axes.set_yscale("function", functions=(lambda y: np.sqrt(np.clip(y, 0, None)), np.square))
        ticks = [0.0, *_nice(top / 200, top)]
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_ylim(0, top)


def _nice(low: float, high: float) -> list[float]:
    """Return the numbers 1, 2, 5 × 10^k in a range; without the 2s and 5s where it is wide."""
    steps = (1,) if high / low > 3000 else (1, 3) if high / low > 100 else (1, 2, 5)
    exponents = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    return [s * 10.0**e for e in exponents for s in steps if low <= s * 10.0**e <= high]


def _levels(axes: Axes, levels: dict[RowKey, float], points: list[tuple[float, float, str, str]]) -> None:
    """Draw the original and the noise floor as lines across: neither costs a method any time."""
    colours = {ORIGINAL: FORGET, FLOOR: MUTED}
    for row, value in levels.items():
        if not np.isfinite(value):
            continue
        axes.axhline(value, color=colours[row], linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        side = _free_side(axes, value, points)
        axes.annotate(
            row.heading,
            xy=(side, value),
            xycoords=("axes fraction", "data"),
            xytext=(-3 if side else 3, 3),
            textcoords="offset points",
            ha="right" if side else "left",
            color=colours[row],
            fontsize=8,
        )


def _free_side(axes: Axes, level: float, points: list[tuple[float, float, str, str]]) -> int:
    """Return 0 (left) for the name of a level, or 1 (right) where a point is in the way on the left."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = [to_axes.transform((x, y)) for x, y, _, _ in points]
    height = to_axes.transform((axes.get_xlim()[0], level))[1]
    near = [x for x, y in places if -0.02 < y - height < 0.06]
    return int(any(x < 0.25 for x in near) and not any(x > 0.75 for x in near))
