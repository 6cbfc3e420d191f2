"""Avg. Gap and run time against a hyper-parameter (as in GDR-GMA, Figure 10: γ and ε)."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reunlearn.reporting.drawing.curves import COLUMNS, HEIGHT, WIDTH
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import FORGET, INK, MUTED, TEST, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import read
from reunlearn.reporting.settings import Sweep, sweeps_of
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="setting_curves",
    summary="Avg. Gap and run time against each hyper-parameter of which the experiment has several values",
    title="Avg. Gap and run time against settings",
    table="methods",
    order=60,
    default=False,
    audit=False,
    points=True,
    wide=True,
)
CAPTION = (
    "One hyper-parameter at a time, the others at the values of the method's base row. Left axis, solid: Avg. Gap. "
    "Right axis, dashed: run time, mean over seeds."
)
WIDE = 20.0  # ratio of values from which the axis is logarithmic


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per hyper-parameter that varies."""
    numbers = {
        row: (found["avg_gap"].mean, found["seconds"].mean)
        for row, found in read(data.frame(CARD.table)).items()
    }
    sweeps = [sweep for sweep in sweeps_of(data) if any(_known(numbers, sweep))]
    if not sweeps:
        return "No curves over settings: no rows of one method differ in one number alone."
    return Drawn(_plot(sweeps, numbers, data.headline.unit.long), CAPTION)


def _known(numbers: dict, sweep: Sweep) -> list[bool]:
    return [math.isfinite(numbers[row][0]) for row in sweep.rows.values() if row in numbers]


def _plot(sweeps: list[Sweep], numbers: dict, unit: str) -> Figure:
    with house_style():
        across = min(COLUMNS, len(sweeps))
        down = math.ceil(len(sweeps) / across)
        figure = Figure(figsize=(across * WIDTH + 0.6, down * (HEIGHT + 0.4) + 0.3), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False)
        for axes, sweep in zip(grid.flat, sweeps, strict=False):
            axes.set_title(_title(sweep), color=INK, fontweight="bold", pad=4)
            axes.set_xlabel(sweep.setting)
            _panel(axes, sweep, np.array([numbers.get(row, (np.nan,) * 2) for row in sweep.rows.values()]))
            axes.set_ylabel(f"Avg. Gap ({unit})", color=TEST)
        for axes in grid.flat[len(sweeps) :]:
            axes.set_visible(False)
        return figure


def _title(sweep: Sweep) -> str:
    return f"{sweep.method}: {sweep.setting}"


def _panel(axes: Axes, sweep: Sweep, values_N2: np.ndarray) -> None:
    x = np.array(list(sweep.rows))
    axes.plot(x, values_N2[:, 0], color=TEST, marker="o", markersize=4, linewidth=1.5, label="Avg. Gap")
    axes.set_ylim(0, 1.15 * max(np.nanmax(values_N2[:, 0]), 1e-3))
    right = axes.twinx()
    right.spines["right"].set_visible(True)
    right.set_title(_title(sweep), visible=False)  # the panel's name in the file of numbers
    right.plot(
        x, values_N2[:, 1], color=FORGET, marker="s", markersize=4, linestyle=(0, (5, 1.5)), label="run time"
    )
    right.set_ylim(0, 1.15 * max(np.nanmax(np.nan_to_num(values_N2[:, 1])), 1e-6))
    right.set_ylabel("run time (s)", color=FORGET)
    if x.min() > 0 and x.max() / x.min() >= WIDE:
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(list(x)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.tick_params(colors=MUTED)
