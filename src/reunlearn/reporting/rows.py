"""Which row of a table a run belongs to: method, reading and label, three columns from the study to the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from reunlearn.study import specs

KEY = ["method", "reading", "label"]  # the columns that name a row
SEEDS = ["train_seed", "split_seed", "method_seed"]  # the columns that name a run of a row


class RowKey(NamedTuple):
    """A row of a table; reading and label are empty where it has none."""

    method: str
    reading: str = ""
    label: str = ""

    @property
    def is_reference(self) -> bool:
        """Whether it is no method but a model that methods are compared with."""
        return self in REFERENCES

    @property
    def title(self) -> str:
        """What tables call the method."""
        return TITLES.get(self, self.method)

    @property
    def remark(self) -> str:
        """What a reference is, in a few words."""
        return REMARKS.get(self, "")

    @property
    def heading(self) -> str:
        """The whole row as one text: for figures, sentences and wherever there is no room for three columns."""
        if self in TITLES:
            return TITLES[self]
        content = {"method": self.method, "reading": self.reading or None, "label": self.label or None}
        return specs.RowSpec.model_validate(content).name


class Counts(NamedTuple):
    """How many runs of a row there are, by their status."""

    finished: int
    diverged: int
    missing: int

    @property
    def whole(self) -> bool:
        """Whether every run finished."""
        return not (self.diverged or self.missing)

    @property
    def absence(self) -> str:
        """Why there is no number: diverged or missing; nothing where a run finished."""
        if self.finished:
            return ""
        return "diverged" if self.diverged else "missing"


def key_of(row: specs.RowSpec) -> RowKey:
    """Return the key of a row of the plan."""
    return RowKey(row.method, row.reading or "", row.label or "")


def run_key(run: specs.RunSpec) -> tuple[str | int, ...]:
    """Return what names a run of an experiment: the values of the columns KEY and SEEDS."""
    return (*key_of(run.row), run.seeds.train, run.seeds.split, run.seeds.method)


RETRAIN, FLOOR, ORIGINAL = map(key_of, specs.REFERENCES)
NOBODY = RowKey("")  # stands for the row of a printed number that no row of this study meets
REFERENCES = (RETRAIN, FLOOR, ORIGINAL)
TITLES = {RETRAIN: "Retrain", FLOOR: "Noise floor", ORIGINAL: "Original"}
REMARKS = {
    RETRAIN: "trained without the forget set",
    FLOOR: "Retrain with other seeds",
    ORIGINAL: "nothing unlearned",
}


def by_row(frame: pd.DataFrame) -> dict[RowKey, pd.DataFrame]:
    """Return {row: its part of a tidy table}: the references first, then the methods as the study lists them."""
    if frame.empty:
        return {}
    parts = {RowKey(*key): part for key, part in frame.groupby(KEY, sort=False, observed=True)}
    first = {key: parts.pop(key) for key in REFERENCES if key in parts}
    return first | parts


def index(keys: Sequence[RowKey]) -> pd.MultiIndex:
    """Return the index of a frame with these rows."""
    return (
        pd.MultiIndex.from_tuples(keys, names=KEY) if keys else pd.MultiIndex.from_arrays([[]] * 3, names=KEY)
    )


def finished_runs(results: pd.DataFrame) -> dict[RowKey, pd.DataFrame]:
    """Return the finished runs of each row of tidy results: index seeds, a column per number, NaN where one lacks."""
    wide = results[results["status"] == "finished"].set_index([*KEY, *SEEDS, "metric"])["value"]
    wide = wide.astype(float).unstack("metric")
    parts = {
        RowKey(*key): part.droplevel(KEY) for key, part in wide.groupby(level=KEY, sort=False, observed=True)
    }
    return {row: parts.get(row, wide.iloc[:0].droplevel(KEY)) for row in by_row(results)}


def values(runs: pd.DataFrame, metric: str) -> np.ndarray:
    """Return a number of some runs, of those that have it."""
    if metric not in runs:
        return np.empty(0)
    values_R = runs[metric].to_numpy()
    return values_R[pd.notna(values_R)]


def without_unfinished(runs: pd.DataFrame, *results: pd.DataFrame) -> pd.DataFrame:
    """Return runs without the seeds in which a run of these results diverged or is missing."""
    seeds = pd.concat([part.loc[part["status"] != "finished", SEEDS] for part in results]).drop_duplicates()
    return runs[~runs.index.isin(pd.MultiIndex.from_frame(seeds))]


def counts_of(part: pd.DataFrame) -> Counts:
    """Return how many runs of one row finished, diverged, are missing."""
    status = part.drop_duplicates(SEEDS)["status"]
    return Counts(*(int((status == name).sum()) for name in Counts._fields))
