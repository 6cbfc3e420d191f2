"""Class by class: what the forget samples of wholly forgotten classes are taken for, and accuracy per set and class."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.reporting import numbers, rows
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.study_cards import TAKEN_FOR

MOST = 8  # classes that get a column; the others together get one


def class_table(data: ExperimentData) -> pd.DataFrame:
    """Return accuracy per row, set and class: samples (of all finished runs together), right, accuracy in per cent."""
    classes = data.classes
    if classes.empty:
        return pd.DataFrame(columns=[*rows.KEY, "set", "class", "samples", "right", "accuracy"]).set_index(
            rows.KEY
        )
    right = classes[classes["true_class"] == classes["predicted"]]
    table = right.groupby([*rows.KEY, "set", "true_class"], sort=False)[["of", "samples"]].sum().reset_index()
    table = table.rename(columns={"true_class": "class", "of": "samples", "samples": "right"})
    return table.assign(accuracy=100.0 * table["right"] / table["samples"]).set_index(rows.KEY)


def confusion_table(data: ExperimentData) -> pd.DataFrame:
    """Return the share in per cent [row, predicted class] of forget samples of classes that retain does not hold.

    Empty where no class is forgotten as a whole.
    """
    classes = data.classes
    if classes.empty:
        return pd.DataFrame()
    run = [*rows.KEY, *rows.SEEDS, "true_class"]
    kept = classes[classes["set"] == "retain"][run].drop_duplicates()
    forget = classes[classes["set"] == "forget"].merge(kept, how="left", indicator=True)
    gone = forget[forget["_merge"] == "left_only"]
    if gone.empty:
        return pd.DataFrame()
    shares = {}
    for row, part in rows.by_row(gone).items():
        counts = part.groupby("predicted")["samples"].sum()
        shares[row] = 100.0 * counts / counts.sum()
    table = pd.DataFrame.from_dict(shares, orient="index").fillna(0.0).sort_index(axis="columns")
    return table.set_axis(rows.index(shares))


def confusion_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of what forgotten classes are taken for: the most frequent classes, then the others."""
    frequent = sorted(table.mean().sort_values(ascending=False, kind="stable").index[:MOST])
    rest = [c for c in table.columns if c not in frequent]
    columns = [Column(f"class{c}", f"class {c}", "%", TAKEN_FOR) for c in frequent]
    columns += [Column("others", f"{len(rest)} others", "%", TAKEN_FOR)] if rest else []
    grid_rows = []
    for row, shares_of_row in rows.each(table):
        shares = [*shares_of_row[frequent], *([shares_of_row[rest].sum()] if rest else [])]
        largest = int(np.argmax(shares))
        cells = [
            Cell(numbers.plain(share, 1), tone="strong" if place == largest else "", value=share)
            for place, share in enumerate(shares)
        ]
        grid_rows.append(Row(row, tuple(cells)))
    return Grid(
        f"{experiment}-confusion",
        title="Confusion",
        caption="what the forgotten classes are taken for; all seeds together",
        columns=tuple(columns),
        rows=tuple(grid_rows),
    )
