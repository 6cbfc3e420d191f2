"""One ROC over all models of a row: the scores of all seeds together (PGU, Figures 2, 3 and 6).

Only of attacks that learn from shadow models: one classifier then scores the outputs of every model, so that scores of
several models can stand in one order. Other attacks are fitted to each model anew.
"""

from __future__ import annotations

import pandas as pd

from reunlearn.metrics.separation import auc
from reunlearn.reporting import rows
from reunlearn.reporting.cells import RUNS, Row, Table, absent, column_of, plain_cell, runs_cell
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, frame_of, read
from reunlearn.study.cards import NumberCard, TableCard

CARD = TableCard(
    name="pooled_attacks",
    title="Attacks, models pooled",
    summary="AUC of one ROC over the scores of all seeds' models, of attacks that learn from shadow models",
    order=25,
    default=False,
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return a.auc_pooled of each row and attack a with shadow models; n counts the models."""
    pooled = [name for name, card in data.attacks.items() if card.pools]
    if not pooled:
        return frame_of({})
    found: dict[rows.RowKey, dict[str, Number]] = {row: {} for row in data.finished}
    for row, lines in rows.by_row(data.tables["scores"]).items():
        for attack in pooled:
            own = lines[lines["attack"] == attack]
            area = auc(
                own.loc[own["member"], "score"].to_numpy(), own.loc[~own["member"], "score"].to_numpy()
            )
            models = len(own.drop_duplicates(rows.SEEDS))
            found[row][f"{attack}.auc_pooled"] = Number(area, n=models)
    return frame_of(found)


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per attack; nothing where no attack learns from shadow models."""
    if frame.empty:
        return None
    cards = {f"{name}.auc_pooled": _card(card.title) for name, card in data.attacks.items() if card.pools}
    shown = []
    for row, numbers in read(frame).items():
        counts = data.counts[row]
        models = max((number.n for number in numbers.values()), default=0)
        cells = [
            absent(counts) or plain_cell(numbers[name].mean if name in numbers else float("nan"), 3)
            for name in cards
        ]
        shown.append(Row(row, (*cells, runs_cell(counts, models))))
    columns = (*(column_of(name, card) for name, card in cards.items()), RUNS)
    return Table(CARD, data.name, columns, tuple(shown))


def _card(attack: str) -> NumberCard:
    return NumberCard(
        title=f"{attack}, pooled",
        compares="chance that a score of any of the row's models on forget samples is above a retrained model's",
        unit="0 to 1",
        direction="higher is more leakage",
        ideal="0.5: the outputs are like retrained models'",
        column_of="PGU 'AUC'",
        source="PGU, section on membership inference: the outputs of five models on either side in one ROC",
    )
