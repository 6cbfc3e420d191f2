"""What the classifier sees in samples of the forgotten classes: per class the number of samples, for each method."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reunlearn.reporting.drawing.curves import add_legend
from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import FORGET, INK, MUTED, TEST, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import KEY, ORIGINAL, RETRAIN, SEEDS, RowKey
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="generated_detections",
    summary="what the classifier sees in samples of the forgotten classes, for each method",
    title="What samples of the forgotten class show",
    table="generated",
    order=6,
    samples=True,
    audit=False,
    points=True,
    wide=True,
)
COLUMNS, MOST = 2, 20  # panels side by side; classes, the most frequent ones
BAR = 0.4
Counts = Mapping[RowKey, Mapping[int, float]]
Bars = Mapping[RowKey, np.ndarray]


def draw(data: ExperimentData) -> Drawn | str:
    """Return a panel per method: its bars beside Retrain's, or the original's where nothing is retrained."""
    forgotten = tuple(getattr(data.experiment.scenario, "classes", None) or ())
    counts = counts_of(data.tables["drawn"], forgotten)
    methods = [row for row in data.by_row if row in counts and not row.is_reference]
    if not methods:
        return "No bars of what samples show: no run of a method finished."
    beside = next((row for row in (RETRAIN, ORIGINAL) if row in counts), None)
    shown = [row for row in (beside, *methods) if row is not None]
    classes = _classes(counts, shown, forgotten)
    names = data.cards.datasets[data.experiment.dataset.name].class_names
    caption = (
        "Samples that are asked for a forgotten class, by the class that the classifier takes them for: how many, mean "
        "over the runs of a row. The forgotten class is written in the colour of what is forgotten."
    )
    labels = {k: names[k] if k < len(names) else str(k) for k in classes}
    bars = {row: np.array([counts[row].get(k, 0.0) for k in classes]) for row in shown}
    return Drawn(_plot(bars, methods, labels, forgotten), caption)


def counts_of(drawn: pd.DataFrame, forgotten: tuple[int, ...]) -> Counts:
    """Return, of each row, by class answered, the number of samples of forgotten classes: mean over its runs."""
    of_forgotten = drawn[drawn["asked"].isin(forgotten)]
    found: dict[RowKey, dict[int, float]] = {}
    for key, lines in of_forgotten.groupby(KEY, sort=False, observed=True):
        runs = len(lines[SEEDS].drop_duplicates())
        sums = lines.groupby("answered")["count"].sum() / runs
        found[RowKey(*key)] = {int(k): float(count) for k, count in sums.items()}
    return found


def _classes(counts: Counts, shown: list[RowKey], forgotten: tuple[int, ...]) -> list[int]:
    """Return the classes that are shown: forgotten ones, and those that most samples are taken for."""
    totals: dict[int, float] = dict.fromkeys(forgotten, math.inf)
    for row in shown:
        for k, count in counts[row].items():
            totals[k] = totals.get(k, 0.0) + count
    return sorted(sorted(totals, key=lambda k: -totals[k])[:MOST])


def _plot(bars: Bars, methods: list[RowKey], labels: dict[int, str], forgotten: tuple[int, ...]) -> Figure:
    with house_style():
        across = min(COLUMNS, len(methods))
        down = math.ceil(len(methods) / across)
        figure = Figure(figsize=(5.1 * across, 2.0 * down + 0.7), layout="constrained")
        grid = figure.subplots(down, across, squeeze=False, sharey=True)
        for axes, row in zip(grid.flat, methods, strict=False):
            axes.set_title(row.heading, color=INK, fontweight="bold", pad=4)
            _panel(axes, bars, row, list(labels.values()))
            for label, k in zip(axes.get_xticklabels(), labels, strict=True):
                label.set_color(FORGET if k in forgotten else MUTED)
        for axes in grid.flat[len(methods) :]:
            axes.set_visible(False)
        figure.supylabel("samples", fontsize=9, color=MUTED)
        add_legend(figure)
        return figure


def _panel(axes: Axes, bars: Bars, row: RowKey, labels: list[str]) -> None:
    places = np.arange(len(labels))
    for beside in bars:
        if beside.is_reference:
            axes.bar(places - BAR / 2, bars[beside], BAR, color=INK, label=beside.heading)
    axes.bar(places + BAR / 2, bars[row], BAR, color=TEST, label="after unlearning")
    long = max(map(len, labels)) * len(labels) > 50
    axes.set_xticks(places, labels, rotation=45 if long else 0, ha="right" if long else "center")
