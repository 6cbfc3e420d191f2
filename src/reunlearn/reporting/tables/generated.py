"""What generators draw, by the networks that judge it: numbers of the measures that read samples."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting import numbers
from reunlearn.reporting.cells import Table
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.judges import DIGITS, remarks_of, weights_of
from reunlearn.reporting.tables import _measured
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="generated",
    title="What samples show",
    summary="samples against real images: mean ± standard deviation over seeds; below, the gap to Retrain",
    order=45,
    samples=True,
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return mean, deviation, n and gap of each number."""
    return _measured.compute(CARD.name, data, gaps=True)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per number, written with four digits; a row that other weights judged is marked."""
    sizes = frame["mean"].abs().groupby(frame["number"]).median()
    notes = tuple(
        f"Judged by the {network} with weights {weights[:DIGITS]} (SHA-256): distances in features of other weights "
        "are other numbers."
        for network, weights in weights_of(data).items()
    )
    return _measured.show(
        CARD,
        frame,
        data,
        lambda name, card: numbers.decimals_of(float(sizes[name])),
        notes=notes,
        remarks=remarks_of(data),
    )
