"""Reproducible machine unlearning. `reunlearn.load(study)` gives a study's results as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def load(
    study: str,
    table: str = "results",
    *,
    experiment: str | None = None,
    run: int | None = None,
    columns: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Return a table of a study: by default its tidy results, one line per run and metric.

    Args:
        study: name.
        table: results, runs (one line per run), samples and scores (a line per sample of each run), classes,
            histograms, roc, or another that a measure left.
        experiment: only its runs.
        run: only the run with this number of the table `runs`.
        columns: only these, in this order; columns of the table `runs` are added to every other table.

    Raises:
        UserError: the study has no results yet, or no such table or column.
    """
    from pathlib import Path

    from reunlearn.base.errors import UserError
    from reunlearn.reporting.study_tables import StudyTables
    from reunlearn.study import paths

    tables = StudyTables(Path(paths.results(study)))
    if not tables.names:
        raise UserError(f"{tables.folder}: no results there; `make reproduce STUDY={study}` makes them")
    return tables.read(table, columns, experiment=experiment, run=run)
