"""Reproducible machine unlearning. `reunlearn.load(study)` gives a study's results as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def load(study: str) -> pd.DataFrame:
    """Return the tidy results of a study: one line per run and metric.

    Raises:
        UserError: the study has no results yet.
    """
    from pathlib import Path

    import pandas as pd

    from reunlearn.base.errors import UserError
    from reunlearn.study import paths

    path = Path(paths.results(study)) / "results.parquet"
    if not path.exists():
        raise UserError(f"{path}: no such file; `make reproduce STUDY={study}` makes it")
    return pd.read_parquet(path)
