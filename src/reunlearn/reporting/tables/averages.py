"""Avg. Gap and Avg. D as each paper defines them, side by side: numbers that share a formula and nothing else."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.metrics.averages import paper_average
from reunlearn.reporting.cards import of_average
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
    terms = {average.name: [metrics for _, metrics in average.terms] for average in data.averages}
    metrics = sorted({m for columns in terms.values() for candidates in columns for m in candidates})
    entries = {}
    for row in data.by_row:
        runs, of_retrain = data.compared(row, metrics)
        means, others = (frame.mean().dropna().to_dict() for frame in (runs, of_retrain))
        entries[row] = {
            name: Number(paper_average(columns, means, others), n=len(runs))
            for name, columns in terms.items()
        }
    known = [name for name in terms if any(np.isfinite(found[name].mean) for found in entries.values())]
    return frame_of({row: {name: found[name] for name in known} for row, found in entries.items()})


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per paper's average."""
    if frame.empty:
        return None
    names, cards = names_in(frame), {average.name: of_average(average) for average in data.averages}
    shown = [
        Row(
            row,
            tuple(NOTHING if row == RETRAIN else plain_cell(found[n].mean, POINTS_DECIMALS) for n in names),
        )
        for row, found in read(frame).items()
    ]
    columns = tuple(column_of(name, cards[name], POINTS.short) for name in names)
    return Table(CARD, data.name, columns, tuple(shown), (NOTE,))
