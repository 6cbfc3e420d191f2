"""Means over the finished runs of each row, with their gaps to Retrain: what several tables are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from reunlearn.metrics.statistics import gap
from reunlearn.reporting import rows
from reunlearn.reporting.cards import short_unit
from reunlearn.reporting.cells import NOTHING, Row, Table, absent, column_of, number_cell
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, frame_of, names_in, number_of, read
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.study.cards import NumberCard, TableCard

Decimals = Callable[[str, NumberCard], int]


def means(data: ExperimentData, metrics: Sequence[str] | None = None) -> dict[RowKey, dict[str, Number]]:
    """Return mean, deviation and n of each row; of all metrics if none are named, else of those, even if unknown."""
    return {
        row: {
            m: number_of(rows.values(runs, m))
            for m in (runs.dropna(axis="columns", how="all") if metrics is None else metrics)
        }
        for row, runs in data.finished.items()
    }


def with_gaps(data: ExperimentData, metrics: Sequence[str]) -> dict[RowKey, dict[str, Number]]:
    """Return `means` with the gap to Retrain.

    The mean is over all finished runs. The gap is over the seeds in which neither the row's run nor Retrain's diverged
    or is missing: otherwise it would compare means over other seeds.
    """
    found = means(data, metrics)
    for row in data.by_row:
        of_row, of_retrain = (runs.mean() for runs in data.compared(row, metrics))
        found[row] = {
            m: replace(number, gap=gap(float(of_row[m]), float(of_retrain[m])))
            for m, number in found[row].items()
        }
    return found


def shown_in(table: str, data: ExperimentData) -> dict[str, NumberCard]:
    """Return the numbers that the measures' cards give to a table, that were measured, and that no first table has."""
    cards = {name: card for measure in data.measures.values() for name, card in measure.numbers.items()}
    return {
        name: card
        for name, card in cards.items()
        if card.table == table and name in data.measured and name not in data.headline.cards
    }


def compute(table: str, data: ExperimentData, *, gaps: bool) -> pd.DataFrame:
    """Return the numbers of a table, with their gaps to Retrain if asked; empty where none was measured."""
    metrics = list(shown_in(table, data))
    return frame_of(with_gaps(data, metrics) if gaps else means(data, metrics))


def show(
    card: TableCard,
    frame: pd.DataFrame,
    data: ExperimentData,
    decimals: Decimals,
    *,
    notes: tuple[str, ...] = (),
    remarks: Mapping[RowKey, str] | None = None,
) -> Table | None:
    """Return a table with a column per number; None where there is none.

    Args:
        card: of the table.
        frame: what `compute` returned.
        data: of the experiment.
        decimals: how a number is written.
        notes: below the table.
        remarks: of some rows.
    """
    if frame.empty:
        return None
    cards, values = shown_in(card.name, data), read(frame)
    names = names_in(frame)
    written = {name: decimals(name, cards[name]) for name in names}
    shown = []
    for row, numbers in values.items():
        counts = data.counts[row]
        cells = [
            number_cell(numbers[name], counts, written[name], with_gap=row != RETRAIN)
            or absent(counts)
            or NOTHING
            for name in names
        ]
        shown.append(Row(row, tuple(cells), (remarks or {}).get(row, "")))
    return Table(card, data.name, tuple(column_of(n, cards[n]) for n in names), tuple(shown), notes)


def by_unit(_: str, card: NumberCard) -> int:
    """Return the decimals of a number: one in per cent, else three."""
    return 1 if short_unit(card) == "%" else 3
