"""The tables of an experiment beyond methods and attacks: distances, accuracies, averages, costs, significance, …"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reunlearn.reporting import averages, confusions, cost_table, metric_tables, reported, rows, significance
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.grid import Grid


@dataclass(frozen=True)
class Further:
    """Grids, and the numbers behind them by the name of their CSV file."""

    grids: tuple[Grid, ...]
    numbers: dict[str, pd.DataFrame]


def build(data: ExperimentData, methods: pd.DataFrame) -> Further:
    """Return the further tables of one experiment; those of which nothing was measured are left out.

    Args:
        data: of the experiment.
        methods: its table of methods.
    """
    name = data.name
    average = averages.average_table(data)
    tables = {
        "significance": significance.significance_table(data, methods),
        "distances": metric_tables.distance_table(data),
        "averages": average,
        "accuracies": metric_tables.accuracy_table(data),
        "others": metric_tables.other_table(data),
        "confusion": confusions.confusion_table(data),
        "costs": cost_table.cost_table(data, methods),
        "classes": confusions.class_table(data),
    }
    grids = [
        significance.significance_grid(tables["significance"], data),
        metric_tables.distance_grid(tables["distances"], name),
        averages.average_grid(average, name),
        metric_tables.accuracy_grid(tables["accuracies"], name),
        metric_tables.other_grid(tables["others"], data),
        confusions.confusion_grid(tables["confusion"], name) if len(tables["confusion"]) else None,
        cost_table.cost_grid(tables["costs"], name),
    ]
    if data.printed:
        table = reported.reported_table(data)
        grids.insert(0, reported.reported_grid(table, name))
        tables["reported"] = table.set_index(rows.KEY)
    shown = tuple(grid for grid in grids if grid is not None and grid.columns)
    files = {grid.name for grid in shown} | {f"{name}-classes"}
    numbers = {f"{name}-{kind}": table for kind, table in tables.items() if len(table)}
    return Further(shown, {file: table for file, table in numbers.items() if file in files})
