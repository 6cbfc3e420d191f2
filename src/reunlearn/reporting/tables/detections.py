"""Images in which a detector finds each label, and how much fewer they are than the original's."""

from __future__ import annotations

import math

import pandas as pd

from reunlearn.reporting import rows
from reunlearn.reporting.cells import NOTHING, Cell, Column, Row, Table, absent
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, frame_of, number_of, read
from reunlearn.reporting.numbers import plain, with_deviation
from reunlearn.reporting.rows import ORIGINAL
from reunlearn.study.cards import NumberCard, TableCard

CARD = TableCard(
    name="detections",
    title="Detections",
    summary="images in which the detector finds each label; below, how much fewer they are than of the original",
    order=15,
    samples=True,
    audit=False,
)
FOUND = NumberCard(
    title="Images",
    compares="samples in which the detector finds the label with at least the threshold's score; below, "
    "100 · (original − row) / original",
    unit="images",
    direction="fewer are better forgotten",
    ideal="none of the concept",
    source="LUR, Fig. 4: % decrease against Stable Diffusion",
)
SEEN = "detected_images"  # a number that every run has whose samples the detector saw
IMAGES, DECREASE = "images", "decrease"  # kinds of numbers; a label follows


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return `images LABEL`, mean over finished runs, and `decrease LABEL` in per cent of the original's images."""
    lines = data.tables["detections"]
    labels = sorted(lines["finding"].astype(str).unique())
    found = {row: _images(lines, row, labels, data) for row in data.by_row} if labels else {}
    original = found.get(ORIGINAL, {})
    entries = {}
    for row, numbers in found.items():
        decreases = {label: _decrease(original.get(label), number) for label, number in numbers.items()}
        entries[row] = {f"{IMAGES} {label}": number for label, number in numbers.items()}
        if row != ORIGINAL:
            entries[row] |= {f"{DECREASE} {label}": number for label, number in decreases.items()}
    return frame_of(entries)


def _images(
    lines: pd.DataFrame, row: rows.RowKey, labels: list[str], data: ExperimentData
) -> dict[str, Number]:
    """Return the images of each label, over the row's runs that the detector saw: 0 where one has no such line."""
    runs = data.finished[row].reindex(columns=[SEEN]).dropna().index
    own = lines[(lines[rows.KEY].astype(str) == list(row)).all(axis=1)]
    counts = (
        own.assign(finding=own["finding"].astype(str))
        .groupby([*rows.SEEDS, "finding"], observed=True)["images"]
        .sum()
    )
    return {
        label: number_of([float(counts.get((*_seeds(run), label), 0)) for run in runs]) for label in labels
    }


def _seeds(run: object) -> tuple[object, ...]:
    return run if isinstance(run, tuple) else (run,)


def _decrease(original: Number | None, number: Number) -> Number:
    """Return 100 · (original − row) / original of two means; nothing where the original has no such image."""
    if original is None or not original.mean or not math.isfinite(original.mean):
        return Number()
    return Number(100 * (original.mean - number.mean) / original.mean, n=number.n)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per label; None where nothing was detected in any row."""
    if frame.empty:
        return None
    labels = labels_of(frame)
    columns = tuple(Column(label, label, "images", FOUND) for label in labels)
    shown = [
        Row(row, tuple(_cell(numbers, label) or absent(data.counts[row]) or NOTHING for label in labels))
        for row, numbers in read(frame).items()
    ]
    return Table(CARD, data.name, columns, tuple(shown), notes_of(data))


def labels_of(frame: pd.DataFrame) -> list[str]:
    """Return the labels of a frame, those of most images of the original first."""
    means = {
        name.removeprefix(f"{IMAGES} "): number.mean
        for numbers in [read(frame).get(ORIGINAL) or next(iter(read(frame).values()))]
        for name, number in numbers.items()
        if name.startswith(f"{IMAGES} ")
    }
    return sorted(means, key=lambda label: (-means[label] if math.isfinite(means[label]) else 0.0, label))


def _cell(numbers: dict[str, Number], label: str) -> Cell | None:
    images = numbers[f"{IMAGES} {label}"]
    if not images.known:
        return None
    fewer = numbers.get(f"{DECREASE} {label}", Number())
    word = "fewer" if fewer.mean >= 0 else "more"
    below = f"{plain(abs(fewer.mean), 1)} % {word}" if fewer.known else ""
    return Cell(with_deviation(images.mean, images.std, 0 if images.n == 1 else 1), below, value=images.mean)


def notes_of(data: ExperimentData) -> tuple[str, ...]:
    """Return what the numbers depend on: the detector, its threshold, the prompts."""
    (asked,) = [entry.settings for entry in data.experiment.measures if entry.name == "detection"]
    settings = {**data.measures["detection"].settings, **asked}
    sampling = data.experiment.sampling
    prompts = f"; prompts of {sampling.prompts.file}" if sampling and sampling.prompts else ""
    return (
        f"Detector {settings['detector']}, threshold {settings['threshold']}{prompts}. Counts of another detector, or "
        "of another threshold, are no counts of the same.",
    )
