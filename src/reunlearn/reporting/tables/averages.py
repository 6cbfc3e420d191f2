"""Avg. Gap and Avg. D as each paper defines them, side by side: three numbers that share a formula and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.metrics.averages import AVERAGES, paper_average
from reunlearn.reporting.cards import AVERAGES as CARDS
from reunlearn.reporting.cells import NOTHING, Row, Table, column_of, plain_cell
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, frame_of, names_in, read
from reunlearn.reporting.parts.headline import POINTS, POINTS_DECIMALS
from reunlearn.reporting.rows import RETRAIN
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="averages",
    title="Averages",
    summary="each paper's average gap to Retrain, over its own four columns",
    order=60,
    folded=True,
)
NOTE = "A dash: a run of Retrain or of one of the four columns is missing; a mean of three is another number."


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return a number per paper's average; empty where the study measures the four columns of no paper.

    Means are over the seeds in which neither the row's run nor Retrain's diverged or is missing, as in all gaps; n
    counts those of the row.
    """
    metrics = sorted({m for average in AVERAGES for _, candidates in average.terms for m in candidates})
    entries = {}
    for row in data.by_row:
        runs, of_retrain = data.compared(row, metrics)
        means, others = (frame.mean().dropna().to_dict() for frame in (runs, of_retrain))
        entries[row] = {
            average.name: Number(paper_average(average, means, others), n=len(runs)) for average in AVERAGES
        }
    known = [a.name for a in AVERAGES if any(np.isfinite(found[a.name].mean) for found in entries.values())]
    return frame_of({row: {name: found[name] for name in known} for row, found in entries.items()})


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per paper's average."""
    if frame.empty:
        return None
    names = names_in(frame)
    shown = [
        Row(
            row,
            tuple(NOTHING if row == RETRAIN else plain_cell(found[n].mean, POINTS_DECIMALS) for n in names),
        )
        for row, found in read(frame).items()
    ]
    columns = tuple(column_of(name, CARDS[name], POINTS.short) for name in names)
    return Table(CARD, data.name, columns, tuple(shown), (NOTE,))
