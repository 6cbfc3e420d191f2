"""Numbers that the measures' cards define and that no other table shows."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting import numbers
from reunlearn.reporting.cells import Table
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.tables import _measured
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="others",
    title="Others",
    summary="further numbers of the measures: mean ± standard deviation over seeds; below, the gap to Retrain",
    order=80,
    folded=True,
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return mean, deviation, n and gap of each number."""
    return _measured.compute(CARD.name, data, gaps=True)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per number, written with four digits."""
    sizes = frame["mean"].abs().groupby(frame["number"]).median()
    return _measured.show(CARD, frame, data, lambda name, card: numbers.decimals_of(float(sizes[name])))
