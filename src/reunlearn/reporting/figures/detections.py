"""How much fewer images of each label a detector finds than in those of the original (as in LUR, Figure 4)."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.figure import Figure

from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.style import INK, TEST, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, read
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.tables.detections import DECREASE, labels_of
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="detections",
    summary="how much fewer images of each label a detector finds than in those of the original",
    title="Fewer detections",
    table="detections",
    order=6,
    samples=True,
    audit=False,
    wide=True,
)
CAPTION = (
    "Per cent fewer images with the label than of the original model, all seeds together; below 0: more images. A "
    "label that no image of the original has is left out."
)
COLUMNS = 4  # panels side by side


def draw(data: ExperimentData) -> Drawn | str:
    """Return a panel of bars per row that forgets."""
    frame = data.frame(CARD.table)
    if "detection" not in data.measures:
        return ""
    numbers = read(frame)
    labels = [label for label in (labels_of(frame) if numbers else []) if _known(numbers, label)]
    methods = [row for row in numbers if not row.is_reference]
    if not labels or not methods:
        return "No bars: the detector finds nothing in the images of the original, or no row finished."
    return Drawn(_plot({row: numbers[row] for row in methods}, labels), CAPTION)


def _known(numbers: dict[RowKey, dict[str, Number]], label: str) -> bool:
    return any(found.get(f"{DECREASE} {label}", Number()).known for found in numbers.values())


def _plot(methods: dict[RowKey, dict[str, Number]], labels: list[str]) -> Figure:
    with house_style():
        across = min(COLUMNS, len(methods))
        down = math.ceil(len(methods) / across)
        size = (max(4.5, 2.4 * across), 0.5 + down * (0.4 + 0.3 * len(labels)))
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(down, across, sharey=True, sharex=True, squeeze=False)
        for axes, (row, numbers) in zip(panels.flat, methods.items(), strict=False):
            values = [numbers[f"{DECREASE} {label}"].mean for label in labels]
            axes.barh(np.arange(len(labels)), values, color=TEST)
            axes.axvline(0, color=INK, linewidth=0.8)
            axes.set_title(row.heading, color=INK, fontweight="bold", pad=4)
            axes.set_yticks(np.arange(len(labels)), labels)
        for axes in panels.flat[len(methods) :]:
            axes.set_visible(False)
        panels[0, 0].invert_yaxis()
        figure.supxlabel("fewer images than of the original (%)", fontsize=9, color=INK)
        return figure
