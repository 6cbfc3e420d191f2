"""The table of costs: run time, its share of Retrain's, training-time state, passes over data, memory, relearn time."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting import numbers, rows
from reunlearn.reporting.costs import passes
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.grids import absent
from reunlearn.reporting.number_cards import short_unit
from reunlearn.reporting.study_cards import COSTS
from reunlearn.reporting.tables import summary_entry

MEASURED = {  # column: number of a run
    "seconds": "seconds_run",
    "state": "seconds_state",
    "peak_memory_mib": "peak_memory_mib",
    "peak_gpu_memory_mib": "peak_gpu_memory_mib",
    "relearn_epochs": "relearn_epochs",
}
DURATIONS = ("seconds", "state")
DECIMALS = {"peak_memory_mib": 0, "peak_gpu_memory_mib": 0}
NOTE = "Run times are compared between equal devices, processors and numbers of threads only; a dash where they differ."


def cost_table(data: ExperimentData, methods: pd.DataFrame) -> pd.DataFrame:
    """Return per cost c: c_mean, c_std, c_n; `methods`: the table of methods, which has the ratio of run times."""
    entries = {}
    for row, part in data.by_row.items():
        values = rows.values_of(part)
        entry: dict[str, float] = {**rows.counts_of(part)}
        for name, metric in MEASURED.items():
            entry |= summary_entry(name, values.get(metric, []))
        entry["time_share_mean"] = 100 * methods.loc[row, "time_ratio"]
        entry |= {f"passes_{name}_mean": mean for name, mean in passes(part).items()}
        entries[row] = entry
    return rows.table(entries)


def cost_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of costs; columns that nothing was measured for are left out."""
    shown = [name for name in COSTS if table[f"{name}_mean"].notna().any()]
    grid_rows = [
        Row(row, tuple(absent(numbers_of_row) or _cell(numbers_of_row, name) for name in shown))
        for row, numbers_of_row in rows.each(table)
    ]
    return Grid(
        f"{experiment}-costs",
        title="Costs",
        caption="what a row costs; mean ± standard deviation over seeds",
        columns=tuple(Column(c, COSTS[c].title, short_unit(COSTS[c]), COSTS[c]) for c in shown),
        rows=tuple(grid_rows),
        notes=(NOTE,),
    )


def _cell(numbers_of_row: pd.Series, column: str) -> Cell:
    mean, std = numbers_of_row[f"{column}_mean"], numbers_of_row.get(f"{column}_std", float("nan"))
    if not numbers.known(mean):
        return Cell(numbers.NOTHING, tone="muted")
    if column in DURATIONS:
        below = f"± {numbers.seconds(std)}" if numbers.known(std) else ""
        return Cell(numbers.seconds(mean), below, value=mean)
    return Cell(numbers.with_deviation(mean, std, DECIMALS.get(column, 1)), value=mean)
