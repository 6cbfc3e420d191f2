"""Everything that was measured, as a file alone."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import frame_of
from reunlearn.reporting.tables import _measured
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="metrics",
    title="Metrics",
    summary="everything that was measured: mean, standard deviation and n; a file alone",
    order=130,
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return mean, deviation and n of every number of a run."""
    return frame_of(_measured.means(data))


def show(frame: pd.DataFrame, data: ExperimentData) -> None:
    """Show nothing: there are too many of them."""
