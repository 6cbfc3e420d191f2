"""What each model draws: the same first noise for all of them, a line per row, the forgotten class marked."""

from __future__ import annotations

import base64
import io

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from reunlearn.reporting.drawing.drawing import Drawn
from reunlearn.reporting.drawing.points import COLUMNS
from reunlearn.reporting.drawing.style import FORGET, INK, MUTED, house_style
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import KEY, SEEDS, RowKey
from reunlearn.study.cards import FigureCard

CARD = FigureCard(
    name="generated_samples",
    summary="samples of every class, of each model, from the same noise",
    title="Samples",
    table="generated",
    order=5,
    samples=True,
    audit=False,
    points=True,
    wide=True,
)
CLASSES, EACH = 10, 4  # shown at most: classes, forgotten ones first; samples of each
GAP = 2  # white pixels between classes


def draw(data: ExperimentData) -> Drawn | str:
    """Return a line of samples for each row, of the first seeds that it finished on."""
    pictures = data.tables["pictures"]
    if "generation" not in data.measures:
        return ""  # samples of prompts: a detector looks at them, the report does not show them
    if pictures.empty:
        return "No samples: no run finished."
    shown = {row: _first_run(pictures, row) for row in data.by_row}
    shown = {row: lines for row, lines in shown.items() if len(lines)}
    forgotten = tuple(getattr(data.experiment.scenario, "classes", None) or ())
    asked = sorted(pictures["asked"].unique().tolist())
    kept = sorted([*forgotten, *(k for k in asked if k not in forgotten)][:CLASSES])
    caption = (
        f"{_each(shown, kept)} samples of each class asked for, the same noise for all models; framed: what is to be "
        "forgotten. Of the first seeds of each row."
    )
    numbers = pd.DataFrame(
        [(row.heading, "samples", k, _each(shown, kept)) for row in shown for k in kept],
        columns=COLUMNS,
    )
    names = data.cards.datasets[data.experiment.dataset.name].class_names
    return Drawn(_plot(shown, kept, forgotten, names), caption, numbers=numbers)


def _first_run(pictures: pd.DataFrame, row: RowKey) -> pd.DataFrame:
    lines = pictures[(pictures[KEY].astype(str) == list(row)).all(axis=1)]
    return lines[(lines[SEEDS] == lines[SEEDS].min()).all(axis=1)] if len(lines) else lines


def _each(shown: dict[RowKey, pd.DataFrame], kept: list[int]) -> int:
    """Return how many samples of a class every row has, at most EACH."""
    return min(EACH, *(int((lines["asked"] == k).sum()) for lines in shown.values() for k in kept))


def _plot(
    shown: dict[RowKey, pd.DataFrame], kept: list[int], forgotten: tuple[int, ...], names: tuple[str, ...]
) -> Figure:
    each = _each(shown, kept)
    with house_style():
        figure = Figure(figsize=(10.5, 0.4 + 0.55 * len(shown)), layout="constrained")
        grid = figure.subplots(len(shown), 1, squeeze=False)
        for place, (axes, (row, lines)) in enumerate(zip(grid.flat, shown.items(), strict=True)):
            strips = [_strip(lines, k, each) for k in kept]
            side, width = strips[0].shape[0], strips[0].shape[1] + GAP
            axes.imshow(np.concatenate([_padded(strip) for strip in strips], axis=1), interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(row.heading, color=INK, fontweight="bold", loc="left", x=0, pad=2 if place else 14)
            for number, k in enumerate(kept):
                if not place:
                    label = names[k] if k < len(names) else str(k)
                    axes.text(number * width + width / 2, -0.15 * side, label, ha="center", color=MUTED)
                if k in forgotten:
                    corner = (number * width - 0.5, -0.5)
                    frame = Rectangle(corner, width - GAP, side, fill=False, edgecolor=FORGET, linewidth=1.5)
                    axes.add_patch(frame)
        return figure


def _strip(lines: pd.DataFrame, asked: int, each: int) -> np.ndarray:
    """Return the first samples of a class beside each other, [H, W, 3] uint8."""
    chosen = lines[lines["asked"] == asked].sort_values("number")["png"].astype(str)[:each]
    images = [Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB") for png in chosen]
    return np.concatenate([np.asarray(image) for image in images], axis=1)


def _padded(strip: np.ndarray) -> np.ndarray:
    return np.pad(strip, ((0, 0), (0, GAP), (0, 0)), constant_values=255)
