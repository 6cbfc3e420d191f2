"""Leakage over a hyper-parameter and the size of the forget set, as maps (as in ∇τ, Figure 2)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reunlearn.reporting.across import forget_share, lines_of, mean_of
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.points import COLUMNS
from reunlearn.reporting.drawing.style import INK, MUTED, TEST, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.settings import sweeps_of
from reunlearn.reporting.study_data import StudyData
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="heat_map",
    summary="leakage over a hyper-parameter and the size of the forget set",
    title="Setting and size of the forget set",
    table="ranks",
    scope="study",
    order=33,
    default=False,
    points=True,
    wide=True,
)
CAPTION = (
    "Percentage points, mean over seeds; lighter is better. 0 is what an attack reaches that learns nothing, "
    "or a model that is as right on forget as on test. A row of a map is an experiment, an empty field was not "
    "run."
)
DARKEST = 0.7  # opacity of the largest value, under dark text
# by share of the training set and value of the setting
Placed = Mapping[tuple[float, float], tuple[ExperimentData, RowKey]]
Number = Callable[[ExperimentData, RowKey], float]
NUMBERS: Mapping[str, tuple[str, Number]] = {
    "|MIA loss − 50|": (
        "loss_logistic_cv",
        lambda data, row: mean_of(data, row, "loss_logistic_cv"),
    ),
    "|forget − test accuracy|": (
        "evaluation",
        lambda data, row: abs(mean_of(data, row, "accuracy_forget") - mean_of(data, row, "accuracy_test")),
    ),
}


@dataclass(frozen=True)
class Map:
    """One map: values [Y, X] over shares of the training set (Y) and values of a setting (X)."""

    title: str
    setting: str
    settings: tuple[float, ...]
    shares: tuple[float, ...]
    values: np.ndarray


def draw(data: StudyData) -> Drawn | str:
    """Return two maps per method and hyper-parameter of which some experiment has several values."""
    maps = maps_of(data)
    if not maps:
        return "No maps: no two experiments of other sizes have rows of one method that differ in one number alone."
    return Drawn(_plot(maps), CAPTION, numbers=_numbers(maps))


def maps_of(data: StudyData) -> list[Map]:
    """Return the maps of each line of experiments."""
    found: list[tuple[str, str, str, Placed]] = []
    for line in lines_of(data.experiments, forget_share):
        cells: dict[tuple[str, str], dict[tuple[float, float], tuple[ExperimentData, RowKey]]] = {}
        for share, experiment in line.placed:
            for sweep in sweeps_of(experiment):
                for value, row in sweep.rows.items():
                    cells.setdefault((sweep.method, sweep.setting), {})[share, value] = (experiment, row)
        for (method, setting), placed in cells.items():
            if len({share for share, _ in placed}) > 1:
                found.append((line.title, method, setting, placed))
    several = len({title for title, *_ in found}) > 1
    return [
        made
        for title, method, setting, placed in found
        for made in _maps(f"{method}, {setting}{f', {title}' if several else ''}", setting, placed)
    ]


def _maps(title: str, setting: str, placed: Placed) -> list[Map]:
    shares, settings = (tuple(sorted({key[axis] for key in placed})) for axis in (0, 1))
    maps = []
    for name, (measure, number) in NUMBERS.items():
        values_YX = np.full((len(shares), len(settings)), np.nan)
        for (share, value), (experiment, row) in placed.items():
            if measure in experiment.measures and row in experiment.finished:
                values_YX[shares.index(share), settings.index(value)] = number(experiment, row)
        if np.isfinite(values_YX).any():
            maps.append(Map(f"{name}: {title}", setting, settings, shares, values_YX))
    return maps


def _numbers(maps: list[Map]) -> pd.DataFrame:
    """Return a line per field: the series is the share of the training set, x the setting, y the value."""
    fields = [
        (shown.title, f"{shown.shares[y]:.6g} %", shown.settings[x], value)
        for shown in maps
        for (y, x), value in np.ndenumerate(shown.values)
    ]
    return pd.DataFrame(fields, columns=COLUMNS)


def _plot(maps: list[Map]) -> Figure:
    with house_style():
        across = min(2, len(maps))
        down = math.ceil(len(maps) / across)
        tallest = max(len(m.shares) for m in maps)
        figure = Figure(figsize=(5.1 * across, down * (0.34 * tallest + 1.1)), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False)
        for axes, shown in zip(grid.flat, maps, strict=False):
            _panel(axes, shown)
        for axes in grid.flat[len(maps) :]:
            axes.set_visible(False)
        return figure


def _panel(axes: Axes, shown: Map) -> None:
    """Draw a map as coloured fields with their numbers; the lowest share stands at the bottom."""
    axes.set_title(shown.title, color=INK, fontweight="bold", pad=4, fontsize=8)
    top = max(float(np.nanmax(shown.values)), 1e-6)
    for (y, x), value in np.ndenumerate(shown.values):
        if math.isfinite(value):
            axes.barh(y, 0.96, 0.94, left=x - 0.48, color=TEST, alpha=DARKEST * value / top, linewidth=0)
            axes.text(x, y, f"{value:.1f}", ha="center", va="center", fontsize=7.5, color=INK)
    axes.set_xticks(range(len(shown.settings)), [f"{value:.3g}" for value in shown.settings])
    axes.set_yticks(range(len(shown.shares)), [f"{share:.3g} %" for share in shown.shares])
    axes.set_xlim(-0.5, len(shown.settings) - 0.5)
    axes.set_ylim(-0.5, len(shown.shares) - 0.5)
    axes.set_xlabel(shown.setting, color=MUTED)
    axes.set_ylabel("forget set", color=MUTED)
