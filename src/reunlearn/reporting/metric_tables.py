"""Tables of measured numbers: mean ± standard deviation over seeds, with the gap to Retrain where one is shown."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from reunlearn.reporting import numbers, rows
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.grids import absent, metric_cell
from reunlearn.reporting.metric_cards import ACCURACIES, DISTANCES
from reunlearn.reporting.number_cards import short_unit
from reunlearn.reporting.rows import RETRAIN
from reunlearn.reporting.tables import gap_entries
from reunlearn.study.cards import NumberCard

DISTANCE_DECIMALS = 3
DISTANCE_NOTE = (
    "Retrain's own row is its distance from the second retrained model, as the noise floor's is from Retrain. These "
    "two start from different initial weights. Retrain and the original share theirs where a study gives them one "
    "seed, so a model can lie below the floor without having forgotten anything: look at the original's row, too."
)
GAP_CAPTION = "mean ± standard deviation over seeds; below, the gap to Retrain"


def measured_table(data: ExperimentData, metrics: Mapping[str, NumberCard]) -> pd.DataFrame:
    """Return finished, diverged, missing; per metric m that some run has: m_mean, m_std, m_n, m_gap (to Retrain)."""
    gaps = gap_entries(data, [m for m in metrics if m in data.measured])
    return rows.table({row: {**rows.counts_of(part), **gaps[row]} for row, part in data.by_row.items()})


def distance_table(data: ExperimentData) -> pd.DataFrame:
    """Return the distances from Retrain that were measured."""
    return measured_table(data, DISTANCES)


def accuracy_table(data: ExperimentData) -> pd.DataFrame:
    """Return the accuracies and entropies that are not in the first table."""
    return measured_table(data, {m: c for m, c in ACCURACIES.items() if m not in data.headline.cards})


def other_table(data: ExperimentData) -> pd.DataFrame:
    """Return what the measures' cards define and no other table shows."""
    return measured_table(data, other_cards(data))


def other_cards(data: ExperimentData) -> dict[str, NumberCard]:
    """Return the numbers that the measures' cards define and that no other table shows."""
    cards = {name: card for measure in data.measures.values() for name, card in measure.numbers.items()}
    shown = {*data.headline.cards, *ACCURACIES, *DISTANCES}
    return {name: card for name, card in cards.items() if name not in shown}


def distance_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of distances from Retrain; a gap of a distance would be no distance, so none is shown."""
    decimals = dict.fromkeys(DISTANCES, DISTANCE_DECIMALS)
    return Grid(
        f"{experiment}-distances",
        title="Distances",
        caption="how far outputs and weights lie from Retrain's; mean ± standard deviation over seeds",
        columns=_columns(table, DISTANCES),
        rows=_rows(table, decimals, with_gaps=False),
        notes=(DISTANCE_NOTE,),
    )


def accuracy_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of accuracies on further sets and under augmentation."""
    decimals = {m: 1 if short_unit(card) == "%" else 3 for m, card in ACCURACIES.items()}
    return Grid(
        f"{experiment}-accuracies",
        title="Accuracies",
        caption=GAP_CAPTION,
        columns=_columns(table, ACCURACIES),
        rows=_rows(table, decimals, with_gaps=True),
    )


def other_grid(table: pd.DataFrame, data: ExperimentData) -> Grid:
    """Return the table of what the measures' cards define and no other table shows."""
    cards = other_cards(data)
    columns = _columns(table, cards)
    decimals = {c.key: numbers.decimals_of(float(table[f"{c.key}_mean"].abs().median())) for c in columns}
    return Grid(
        f"{data.name}-others",
        title="Others",
        caption=f"further numbers of the measures; {GAP_CAPTION}",
        columns=columns,
        rows=_rows(table, decimals, with_gaps=True),
    )


def _columns(table: pd.DataFrame, cards: Mapping[str, NumberCard]) -> tuple[Column, ...]:
    return tuple(
        Column(m, card.title, short_unit(card), card) for m, card in cards.items() if f"{m}_mean" in table
    )


def _rows(table: pd.DataFrame, decimals: Mapping[str, int], *, with_gaps: bool) -> tuple[Row, ...]:
    metrics = [m for m in decimals if f"{m}_mean" in table]
    grid_rows = []
    for row, numbers_of_row in rows.each(table):
        with_gap = with_gaps and row != RETRAIN
        cells = [
            metric_cell(numbers_of_row, m, decimals[m], with_gap=with_gap)
            or absent(numbers_of_row)
            or Cell(numbers.NOTHING, tone="muted")
            for m in metrics
        ]
        grid_rows.append(Row(row, tuple(cells)))
    return tuple(grid_rows)
