"""Class by class: what the forget samples of wholly forgotten classes are taken for, and accuracy per set and class."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.reporting import lines, numbers
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.grids import REMARKS

MOST = 8  # classes that get a column; the others together get one
CARD = {
    "title": "Taken for",
    "compares": "share of the forget samples of wholly forgotten classes that the model takes for this "
    "class; all seeds together",
    "unit": "%",
    "direction": "closer to Retrain is better",
    "ideal": "Retrain's value: it spreads them over the classes that look alike",
    "column_of": "",
    "source": "without augmentation",
}


def class_table(classes: pd.DataFrame, results: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Return accuracy per line, set and class: samples (of all finished runs together), right, accuracy in per cent."""
    own = lines.of_experiment(lines.only_finished(classes, results), experiment)
    if own.empty:
        return pd.DataFrame(columns=["line", "set", "label", "samples", "right", "accuracy"]).set_index(
            "line"
        )
    right = own[own["label"] == own["predicted"]]
    keys = ["line", "set", "label"]
    table = right.groupby(keys, sort=False)[["of", "samples"]].sum().reset_index()
    table = table.rename(columns={"of": "samples", "samples": "right"})
    return table.assign(accuracy=100.0 * table["right"] / table["samples"]).set_index("line")


def confusion_table(classes: pd.DataFrame, results: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Return the share in per cent [line, predicted class] of forget samples of classes that retain does not hold.

    Empty where no class is forgotten as a whole.
    """
    own = lines.of_experiment(lines.only_finished(classes, results), experiment)
    if own.empty:
        return pd.DataFrame()
    kept = own[own["set"] == "retain"][["line", *lines.RUN, "label"]].drop_duplicates()
    forget = own[own["set"] == "forget"].merge(kept, how="left", indicator=True)
    gone = forget[forget["_merge"] == "left_only"]
    if gone.empty:
        return pd.DataFrame()
    counts = gone.pivot_table(
        index="line", columns="predicted", values="samples", aggfunc="sum", fill_value=0
    )
    counts = counts.loc[[line for line in lines.order(own) if line in counts.index]]
    return 100.0 * counts.div(counts.sum(axis=1), axis=0)


def confusion_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of what forgotten classes are taken for: the most frequent classes, then the others."""
    frequent = sorted(table.mean().sort_values(ascending=False, kind="stable").index[:MOST])
    rest = [c for c in table.columns if c not in frequent]
    columns = [Column(f"class{c}", f"class {c}", "%", CARD) for c in frequent]
    columns += [Column("others", f"{len(rest)} others", "%", CARD)] if rest else []
    found = []
    for name, own in table.iterrows():
        shares = [*own[frequent], *([own[rest].sum()] if rest else [])]
        largest = int(np.argmax(shares))
        cells = [
            Cell(numbers.plain(v, 1), tone="strong" if i == largest else "") for i, v in enumerate(shares)
        ]
        found.append(Line(str(name), REMARKS.get(str(name), ""), name in lines.REFERENCES, tuple(cells)))
    caption = "what the forgotten classes are taken for; all seeds together"
    return Grid(f"{experiment}-confusion", caption, tuple(columns), tuple(found), (), "Confusion")
