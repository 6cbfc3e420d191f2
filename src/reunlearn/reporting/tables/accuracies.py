"""Accuracies and entropies on further sets and under augmentation."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting.cells import Table
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.tables import _measured
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="accuracies",
    title="Accuracies",
    summary="on further sets and under augmentation: mean ± standard deviation over seeds; below, the gap to Retrain",
    order=70,
    folded=True,
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return mean, deviation, n and gap of each number."""
    return _measured.compute(CARD.name, data, gaps=True)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per number."""
    return _measured.show(CARD, frame, data, _measured.by_unit)
