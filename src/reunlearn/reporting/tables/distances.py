"""How far outputs and weights lie from Retrain's."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting.cells import Table
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.tables import _measured
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="distances",
    title="Distances",
    summary="how far outputs and weights lie from Retrain's; mean ± standard deviation over seeds",
    order=50,
    folded=True,
)
NOTE = (
    "Retrain's own row is its distance from the second retrained model, as the noise floor's is from Retrain. These "
    "two start from different initial weights. Retrain and the original share theirs where a study gives them one "
    "seed, so a model can lie below the floor without having forgotten anything: look at the original's row, too."
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return mean, deviation and n of each distance; a gap of a distance would be no distance."""
    return _measured.compute(CARD.name, data, gaps=False)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per distance."""
    return _measured.show(CARD, frame, data, lambda name, card: 3, notes=(NOTE,))
