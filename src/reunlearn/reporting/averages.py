"""Avg. Gap and Avg. D as each paper defines them, side by side: three numbers that share a formula and nothing else."""

from __future__ import annotations

import pandas as pd

from reunlearn.metrics.averages import AVERAGES, paper_average
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.headline import POINTS, POINTS_DECIMALS
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.study_cards import AVERAGES as CARDS

NOTE = "A dash: a run of Retrain or of one of the four columns is missing; a mean of three is another number."


def average_table(data: ExperimentData) -> pd.DataFrame:
    """Return finished, diverged, missing, and a column per paper's average.

    Means are over the seeds in which neither the row's run nor Retrain's diverged or is missing, as in all gaps.
    """
    retrain = data.by_row.get(RETRAIN, data.results.iloc[:0])
    metrics = sorted({m for average in AVERAGES for _, candidates in average.terms for m in candidates})
    entries: dict[RowKey, dict[str, float]] = {}
    for row, part in data.by_row.items():
        of_row, of_retrain = (
            runs.mean().dropna().to_dict() for runs in rows.compared(part, retrain, metrics)
        )
        averages = {average.name: paper_average(average, of_row, of_retrain) for average in AVERAGES}
        entries[row] = {**rows.counts_of(part), **averages}
    return rows.table(entries)


def average_grid(table: pd.DataFrame, experiment: str) -> Grid | None:
    """Return the table of the papers' averages; None if the study measures the four columns of no paper."""
    shown = [average.name for average in AVERAGES if table[average.name].notna().any()]
    if not shown:
        return None
    grid_rows = []
    for row, numbers_of_row in rows.each(table):
        cells = [
            Cell(numbers.NOTHING, tone="muted")
            if row == RETRAIN
            else Cell(numbers.plain(numbers_of_row[average], POINTS_DECIMALS), value=numbers_of_row[average])
            for average in shown
        ]
        finished = numbers_of_row["finished"]
        grid_rows.append(Row(row, (*cells, Cell(f"{finished:.0f}", value=finished))))
    columns = [Column(name, CARDS[name].title, POINTS.short, CARDS[name]) for name in shown]
    return Grid(
        f"{experiment}-averages",
        title="Averages",
        caption="each paper's average gap to Retrain, over its own four columns",
        columns=(*columns, Column("n", "Runs", "n")),
        rows=tuple(grid_rows),
        notes=(NOTE,),
    )
