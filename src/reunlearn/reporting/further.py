"""The tables of an experiment beyond methods and attacks: distances, accuracies, averages, costs, significance, …"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from reunlearn.reporting import averages, confusions, cost_table, metric_tables, reported, significance
from reunlearn.reporting.definitions import ACCURACIES, DISTANCES
from reunlearn.reporting.grid import Grid
from reunlearn.reporting.tables import gap_metrics


@dataclass(frozen=True)
class Further:
    """Grids, and the numbers behind them by the name of their CSV file."""

    grids: tuple[Grid, ...]
    numbers: dict[str, pd.DataFrame]


def build(
    experiment: dict[str, Any],
    results: pd.DataFrame,
    classes: pd.DataFrame,
    methods: pd.DataFrame,
    train: int,
    names: dict[str, str],
    printed: list[dict[str, str]],
) -> Further:
    """Return the further tables of one experiment; those of which nothing was measured are left out.

    Args:
        experiment: its part of the study.
        results, classes: tidy tables of the study.
        methods: its table of methods.
        train: samples in the training set; 0 if that is not known.
        names: {line: name of its method}.
        printed: the printed numbers that the study names for it.
    """
    name = experiment["name"]
    average = averages.average_table(results, name)
    tables = {
        "significance": significance.significance_table(results, name, gap_metrics(results, name), methods),
        "distances": metric_tables.measured_table(results, name, list(DISTANCES)),
        "averages": average,
        "accuracies": metric_tables.measured_table(results, name, list(ACCURACIES)),
        "confusion": confusions.confusion_table(classes, results, name),
        "costs": cost_table.cost_table(results, name, methods, train),
        "classes": confusions.class_table(classes, results, name),
    }
    grids = [
        significance.significance_grid(tables["significance"], name),
        metric_tables.distance_grid(tables["distances"], name),
        averages.average_grid(average, name),
        metric_tables.accuracy_grid(tables["accuracies"], name),
        confusions.confusion_grid(tables["confusion"], name) if len(tables["confusion"]) else None,
        cost_table.cost_grid(tables["costs"], name),
    ]
    if printed:
        tables["reported"] = reported.reported_table(printed, results, experiment, average, names)
        grids.insert(0, reported.reported_grid(tables["reported"], name))
        tables["reported"] = tables["reported"].set_index("line")
    shown = tuple(grid for grid in grids if grid is not None and grid.columns)
    return Further(shown, {f"{name}-{kind}": table for kind, table in tables.items() if len(table)})
