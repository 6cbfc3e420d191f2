"""Accuracy per set and class, as a file alone."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting import rows
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="classes",
    title="Classes",
    summary="accuracy per set and class, all finished runs together; a file alone",
    order=120,
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return set, class, samples (of all finished runs together), right, accuracy in per cent; one line for each."""
    classes = data.tables["classes"]
    right = classes[classes["true_class"] == classes["predicted"]]
    if right.empty:
        return pd.DataFrame(columns=["set", "class", "samples", "right", "accuracy"], index=rows.index([]))
    keys = [*rows.KEY, "set", "true_class"]
    table = right.groupby(keys, sort=False, observed=True)[["of", "samples"]].sum().reset_index()
    table = table.rename(columns={"true_class": "class", "of": "samples", "samples": "right"})
    return table.assign(accuracy=100.0 * table["right"] / table["samples"]).set_index(rows.KEY)


def show(frame: pd.DataFrame, data: ExperimentData) -> None:
    """Show nothing: there may be two hundred classes."""
