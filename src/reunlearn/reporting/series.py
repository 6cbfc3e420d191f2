"""What runs logged over time, of one experiment: means over seeds at equal steps."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reunlearn.reporting import rows
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey

Points = tuple[np.ndarray, np.ndarray]  # steps or epochs [N], means over the seeds [N]


def logged(data: ExperimentData, names: Sequence[str]) -> dict[RowKey, dict[str, Points]]:
    """Return of each row that logged one of these series all of them that it logged, in this order."""
    lines = data.tables["series"]
    found = {}
    for row, part in rows.by_row(lines[lines["series"].isin(list(names))]).items():
        means = part.groupby(["series", "step"], observed=True)["value"].mean()
        series = {name: means[name] for name in names if name in means.index.get_level_values("series")}
        found[row] = {name: _points(values) for name, values in series.items()}
    return found


def _points(values: pd.Series) -> Points:
    return values.index.to_numpy(), values.to_numpy()
