"""The tables of a study as the stage `aggregate` leaves them: the one reader, for the report and for users.

Every line has the number of its run; runs.parquet says what that run is. results.parquet says so in every line, too.
Only the lines and columns that are asked for are read, and only the columns of the run that are asked for are added.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reunlearn.base.errors import UserError, near

RUN, RUNS, RESULTS = "run", "runs", "results"


@dataclass(frozen=True)
class StudyTables:
    """The tables in a folder of results."""

    folder: Path

    @property
    def names(self) -> tuple[str, ...]:
        """The tables that there are."""
        return tuple(sorted(path.stem for path in self.folder.glob("*.parquet")))

    @functools.cached_property
    def runs(self) -> pd.DataFrame:
        """What each run is, by its number: study, experiment, …, the row, the seeds, and its status."""
        runs = pd.read_parquet(self.folder / f"{RUNS}.parquet").set_index(RUN)
        texts = [name for name, kind in runs.dtypes.items() if not pd.api.types.is_numeric_dtype(kind)]
        return runs.astype(dict.fromkeys(texts, "category"))

    @property
    def experiments(self) -> set[str]:
        """The names of the experiments that have runs."""
        return set(self.runs["experiment"].unique())

    def read(
        self,
        table: str = RESULTS,
        columns: Sequence[str] | None = None,
        *,
        experiment: str | None = None,
        run: int | None = None,
        status: str | None = None,
    ) -> pd.DataFrame:
        """Return lines of a table.

        Args:
            table: results, runs, samples, scores, classes, histograms, roc, series, or another that a measure left.
            columns: of the table or of the run, in this order; None: what names the run, then the table's own.
            experiment, run, status: only lines of such runs.

        Raises:
            UserError: there is no such table or column.
        """
        path = self.folder / f"{table}.parquet"
        if not path.exists():
            raise UserError(f"{path}: no such table; {near(table, self.names)}")
        own = pq.read_schema(path).names
        every = list(dict.fromkeys([RUN, *self.runs.columns, *own]))
        wanted, runs = every if columns is None else list(columns), self._chosen(experiment, run, status)
        if not pq.read_metadata(path).num_rows or not len(runs):
            return pd.DataFrame(columns=wanted)
        for name in wanted:
            if name not in every:
                raise UserError(f"{path}: no column '{name}'; {near(name, every)}")
        number = pc.field(RUN)  # the ends come first: they tell which row groups need not be read
        lines = (number >= int(runs.min())) & (number <= int(runs.max())) & number.isin(runs.tolist())
        kept = [RUN, *(name for name in own if name in wanted and name != RUN)]
        return self._joined(pq.read_table(path, columns=kept, filters=lines).to_pandas(), wanted)

    def _chosen(self, experiment: str | None, run: int | None, status: str | None) -> np.ndarray:
        """Return the numbers of some runs."""
        kept = np.ones(len(self.runs), dtype=bool)
        for name, value in (("experiment", experiment), ("status", status)):
            if value is not None:
                kept &= (self.runs[name] == value).to_numpy()
        numbers = self.runs.index.to_numpy()
        return numbers[kept & (numbers == run)] if run is not None else numbers[kept]

    def _joined(self, lines: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
        """Return lines with the columns of their run that are wanted."""
        places, own = self.runs.index.get_indexer(lines[RUN]), set(lines.columns)
        added = {name: self.runs[name].array.take(places) for name in wanted if name not in own}
        return lines.assign(**added)[list(wanted)]
