"""Avg. Gap and Avg. D as each paper defines them, side by side: three numbers that share a formula and nothing else."""

from __future__ import annotations

import pandas as pd

from reunlearn.metrics.averages import AVERAGES, paper_average
from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import lines, numbers
from reunlearn.reporting.definitions import AVERAGES as CARDS
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.grids import REMARKS
from reunlearn.reporting.tables import SHOWN_DECIMALS, counts_of, values_of

NOTE = "A dash: a run of Retrain or of one of the four columns is missing; a mean of three is another number."


def average_table(results: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Return one line per method: finished, diverged, missing, and a column per paper's average."""
    frame = lines.of_experiment(results, experiment)
    means = {
        line: {m: summarise(v).mean for m, v in values_of(frame[frame["line"] == line]).items()}
        for line in lines.order(frame)
    }
    retrain = means.get(lines.RETRAIN, {})
    found = [
        {
            "line": line,
            **counts_of(frame[frame["line"] == line]),
            **{average.name: paper_average(average, own, retrain) for average in AVERAGES},
        }
        for line, own in means.items()
    ]
    return pd.DataFrame(found).set_index("line")


def average_grid(table: pd.DataFrame, experiment: str) -> Grid | None:
    """Return the table of the papers' averages; None if the study measures the four columns of no paper."""
    shown = [average.name for average in AVERAGES if table[average.name].notna().any()]
    if not shown:
        return None
    found = []
    for name, own in table.iterrows():
        line = str(name)
        cells = [
            Cell(numbers.NOTHING, tone="muted")
            if line == lines.RETRAIN
            else Cell(numbers.plain(own[average], SHOWN_DECIMALS))
            for average in shown
        ]
        cells.append(Cell(f"{own['finished']:.0f}"))
        found.append(Line(line, REMARKS.get(line, ""), line in lines.REFERENCES, tuple(cells)))
    columns = [Column(name, CARDS[name]["title"], "pp", CARDS[name]) for name in shown]
    columns.append(Column("n", "Runs", "n"))
    caption = "each paper's average gap to Retrain, over its own four columns"
    return Grid(f"{experiment}-averages", caption, tuple(columns), tuple(found), (NOTE,), "Averages")
