"""The results of one experiment seed by seed: what paired tests, bootstraps and ranks are made from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from reunlearn.reporting import rows
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RETRAIN, RowKey


def by_seed(data: ExperimentData, metrics: list[str]) -> dict[RowKey, pd.DataFrame]:
    """Return {row: one entry per set of seeds with a column per metric}, finished runs only.

    The noise floor's runs have the seeds of the Retrain that they are paired with.
    """
    return {row: runs.reindex(columns=metrics) for row, runs in data.finished.items()}


def gaps_of(data: ExperimentData) -> pd.DataFrame:
    """Return `seed_gaps` of the numbers of the headline."""
    return seed_gaps(by_seed(data, data.headline.metrics))


def seed_gaps(tables: Mapping[RowKey, pd.DataFrame]) -> pd.DataFrame:
    """Return one entry per set of seeds and a column per row: mean over metrics of |value − Retrain's of this seed|.

    NaN where a metric is missing, here or for Retrain, or there is no Retrain: a mean of fewer gaps is another number.
    """
    if not tables:
        return pd.DataFrame()
    reference = tables.get(RETRAIN, next(iter(tables.values())).iloc[:0])
    gaps = [
        (table - reference.reindex(table.index)).abs().mean(axis=1, skipna=False) for table in tables.values()
    ]
    return pd.concat(gaps, axis="columns").set_axis(rows.index(list(tables)), axis="columns").sort_index()


def paired_values(
    tables: Mapping[RowKey, pd.DataFrame], row: RowKey, reference: RowKey = RETRAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values [S, M] of a row and of a reference over the seeds in which both have every metric."""
    if reference not in tables:
        return np.empty((0, 0)), np.empty((0, 0))
    both = pd.concat([tables[row], tables[reference]], axis=1, keys=["row", "reference"], join="inner")
    both = both.dropna()
    return both["row"].to_numpy(), both["reference"].to_numpy()
