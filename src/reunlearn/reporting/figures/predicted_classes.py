"""What forgotten classes are taken for: by Retrain and by each method (as in PGU, Figure 4)."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reunlearn.reporting.drawing.curves import add_legend
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import INK, MUTED, TEST, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import names_in, read
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="predicted_classes",
    summary="what forgotten classes are taken for, by Retrain and by each method",
    title="What forgotten classes are taken for",
    table="confusion",
    order=55,
    default=False,
    points=True,
    wide=True,
)
CAPTION = (
    "Per cent of the forget samples, all seeds together. After unlearning the bars should be as high as "
    "Retrain's."
)
COLUMNS, MOST = 2, 20  # panels side by side; classes, the most frequent ones
BAR = 0.4


def draw(data: ExperimentData) -> Drawn | str:
    """Return one panel per method."""
    frame = data.frame(CARD.table)
    numbers = read(frame)
    methods = [row for row in numbers if not row.is_reference]
    if not methods:
        return "No predicted classes: no finished run forgot whole classes."
    totals = {name: sum(found[name].mean for found in numbers.values()) for name in names_in(frame)}
    kept = sorted(sorted(totals, key=lambda name: -totals[name])[:MOST], key=int)
    shares = {row: np.array([found[name].mean for name in kept]) for row, found in numbers.items()}
    return Drawn(_plot(methods, shares, _class_names(data, kept)), CAPTION)


def _class_names(data: ExperimentData, numbers: list[str]) -> list[str]:
    """Return the names of classes; their numbers where the dataset gives none."""
    card = data.cards.datasets.get(data.experiment.dataset.name)
    names = card.class_names if card else ()
    return [names[int(number)] if int(number) < len(names) else number for number in numbers]


def _plot(methods: list[RowKey], shares: dict[RowKey, np.ndarray], classes: list[str]) -> Figure:
    with house_style():
        across = min(COLUMNS, len(methods))
        down = math.ceil(len(methods) / across)
        figure = Figure(figsize=(5.1 * across, 2.1 * down + 0.7), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False)
        for axes, row in zip(grid.flat, methods, strict=False):
            axes.set_title(row.heading, color=INK, fontweight="bold", pad=4)
            _panel(axes, shares, row, classes)
        for axes in grid.flat[len(methods) :]:
            axes.set_visible(False)
        figure.supylabel("forget samples (%)", fontsize=9, color=MUTED)
        add_legend(figure)
        return figure


def _panel(axes: Axes, shares: dict[RowKey, np.ndarray], row: RowKey, classes: list[str]) -> None:
    places = np.arange(len(classes))
    if RETRAIN in shares:
        axes.bar(places - BAR / 2, shares[RETRAIN], BAR, color=INK, label=RETRAIN.heading)
    axes.bar(places + BAR / 2, shares[row], BAR, color=TEST, label="after unlearning")
    long = max(map(len, classes)) * len(classes) > 50
    axes.set_xticks(places, classes, rotation=45 if long else 0, ha="right" if long else "center")
