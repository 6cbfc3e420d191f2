"""The results of one experiment seed by seed: what paired tests, bootstraps and ranks are made from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.reporting import lines
from reunlearn.study.expand import FLOOR_SEED


def by_seed(results: pd.DataFrame, experiment: str, metrics: list[str]) -> dict[str, pd.DataFrame]:
    """Return {line: one row per seed triple with a column per metric}, finished runs only, lines in order.

    The noise floor's runs stand under the seeds of the Retrain that they are paired with.
    """
    frame = lines.of_experiment(results, experiment)
    if frame.empty:
        return {}
    order = lines.order(frame)
    frame = frame[(frame["status"] == "finished") & frame["metric"].isin(metrics)]
    frame = frame.assign(method_seed=frame["method_seed"] - FLOOR_SEED * (frame["line"] == lines.FLOOR))
    table = frame.pivot_table(index=["line", *lines.RUN], columns="metric", values="value", aggfunc="first")
    table = table.reindex(columns=metrics).astype(float)
    known = set(table.index.get_level_values("line"))
    return {line: table.loc[line] if line in known else table.iloc[:0].droplevel("line") for line in order}


def seed_gaps(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per seed triple and one column per line: mean over metrics of |value − Retrain's of this seed|.

    NaN where a metric is missing, here or for Retrain: a mean of fewer gaps is another number.
    """
    reference = tables.get(lines.RETRAIN)
    if reference is None:
        return pd.DataFrame()
    gaps = {
        line: (table - reference.reindex(table.index)).abs().mean(axis=1, skipna=False)
        for line, table in tables.items()
    }
    return pd.DataFrame(gaps, columns=list(tables))


def paired_values(
    tables: dict[str, pd.DataFrame], line: str, reference: str = lines.RETRAIN
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values [S, M] of a line and of a reference over the seeds in which both have every metric."""
    if reference not in tables:
        return np.empty((0, 0)), np.empty((0, 0))
    both = pd.concat([tables[line], tables[reference]], axis=1, keys=["own", "reference"], join="inner")
    both = both.dropna()
    return both["own"].to_numpy(), both["reference"].to_numpy()
