"""The series of numbers that a claim compares: of a row and of each of its rivals, over the seeds that both have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.seeds import by_seed, seed_gaps
from reunlearn.study.claims import OTHERS, Claim
from reunlearn.study.specs import RowSpec

FIRST_TABLE = "avg_gap"  # the average gap of the first table
Series = tuple[np.ndarray, np.ndarray]


def rows_of(claim: Claim, data: ExperimentData) -> list[RowKey]:
    """Return the rows of an experiment that a claim is about."""
    return [row for row in data.by_row if _name(row) == claim.row]


def rivals_of(claim: Claim, row: RowKey, data: ExperimentData) -> list[RowKey]:
    """Return the rows that a row is compared with; of `within` the row itself."""
    if claim.expects == "within":
        return [row]
    if claim.than == (OTHERS,):
        return [other for other in data.by_row if not other.is_reference and other.method != row.method]
    return [other for other in data.by_row if _name(other) in claim.than and _fits(row, other)]


def series(claim: Claim, row: RowKey, data: ExperimentData) -> Iterator[tuple[RowKey, Series]]:
    """Yield each rival with two series over common seeds, of which the claim says that the first lies below."""
    own = _values(claim, row, data)
    for rival in rivals_of(claim, row, data):
        if claim.expects == "within":
            yield rival, (own.to_numpy(), np.full(len(own), claim.margin))
            continue
        both = pd.concat([own, _values(claim, rival, data)], axis="columns", join="inner").dropna().to_numpy()
        first, second = both[:, 0], both[:, 1]
        yield rival, (second, first) if claim.expects == "higher" else (first, second)


def _name(row: RowKey) -> str:
    """Return what a claim calls a row, whatever its reading."""
    return RowSpec(method=row.method, label=row.label or None).name


def _fits(row: RowKey, other: RowKey) -> bool:
    """Tell whether two rows have one reading: of one method, a reading is compared with itself alone."""
    return row.method != other.method or row.reading == other.reading


def _values(claim: Claim, row: RowKey, data: ExperimentData) -> pd.Series:
    """Return the claim's number of each finished run of a row, or its distance from Retrain's of the same seeds."""
    metrics = _terms(claim.number, data)
    if metrics is None and claim.expects in ("lower", "higher"):
        return by_seed(data, [claim.number])[row][claim.number]
    gaps = seed_gaps(by_seed(data, metrics or [claim.number]))
    return gaps[row].dropna()


def _terms(number: str, data: ExperimentData) -> list[str] | None:
    """Return the columns of an average gap; None for any other number."""
    if number == FIRST_TABLE:
        return data.headline.metrics
    average = next((average for average in data.averages if average.name == number), None)
    return None if average is None else [_measured(metrics, data) for _, metrics in average.terms]


def _measured(metrics: Sequence[str], data: ExperimentData) -> str:
    """Return the metric that supplies a term: the first one that was measured."""
    return next((metric for metric in metrics if metric in data.measured), metrics[-1])
