"""Our numbers for printed ones, with a verdict on each; the plan says which row meets which number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reunlearn.metrics.bootstrap import bootstrap_average_gap
from reunlearn.metrics.statistics import Interval, Summary, summarise
from reunlearn.metrics.verdict import Printed, Verdict, verdict
from reunlearn.reporting import rows
from reunlearn.reporting.frames import NAN
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.seeds import paired_values
from reunlearn.study.meetings import Counterpart, Meeting, Term

UNKNOWN = Summary(NAN, NAN, 0)
NO_PAIR = "no seed has every term, of this row and of Retrain"
NO_RUN = "no run of it is in these results"


@dataclass(frozen=True)
class Judged:
    """A printed number with ours and the verdict.

    Attributes:
        meeting: the printed number and the row that it meets.
        ours: mean, deviation and n of our runs; of an average n counts pairs with Retrain, and there is no deviation.
        interval: of an average, over seeds.
        verdict: on the two.
    """

    meeting: Meeting
    ours: Summary
    interval: Interval | None
    verdict: Verdict


@dataclass(frozen=True)
class _Number:
    """Our number, or why there is none."""

    ours: Summary
    interval: Interval | None = None
    missing: str = ""


def judge(meetings: Iterable[Meeting], finished: Mapping[RowKey, pd.DataFrame]) -> list[Judged]:
    """Return a verdict per meeting.

    Args:
        meetings: what the plan says.
        finished: the finished runs of each row of the experiment; see `rows.finished_runs`.
    """
    meetings = list(meetings)
    wanted = {m for meeting in meetings for m in _metrics(meeting.counterpart)}
    measured = {m for runs in finished.values() for m in runs} & wanted
    runs = {row: part.reindex(columns=sorted(measured)) for row, part in finished.items()}
    judged = []
    for meeting in meetings:
        number = _number(meeting, runs, measured)
        printed = Printed(meeting.cell.mean, meeting.cell.std)
        found = verdict(number.ours, printed, meeting.obstacle or number.missing, number.interval)
        judged.append(Judged(meeting, number.ours, number.interval, found))
    return judged


def _metrics(counterpart: Counterpart | None) -> list[str]:
    return [m for term in counterpart.terms for m in term.metrics] if counterpart else []


def _number(meeting: Meeting, runs: Mapping[RowKey, pd.DataFrame], measured: set[str]) -> _Number:
    """Return our number for a printed one."""
    if meeting.row is None or meeting.counterpart is None:
        return _Number(UNKNOWN, missing=meeting.obstacle)
    row, counterpart = rows.key_of(meeting.row), meeting.counterpart
    if row not in runs:
        return _Number(UNKNOWN, missing=NO_RUN)
    lacking = [m for m in _metrics(counterpart) if m not in measured]
    if lacking:
        return _Number(UNKNOWN, missing=f"{lacking[0]} was not measured")
    if not counterpart.average:
        return _Number(summarise(_values(counterpart.terms[0], runs[row]).to_numpy()))
    tables = {key: _terms(counterpart, runs[key]) for key in (row, RETRAIN) if key in runs}
    return _average(*paired_values(tables, row))


def _average(values_SM: np.ndarray, reference_SM: np.ndarray) -> _Number:
    """Return an average gap over the seeds that a row shares with Retrain, with its interval."""
    if not values_SM.size:
        return _Number(UNKNOWN, missing=NO_PAIR)
    interval = bootstrap_average_gap(values_SM, reference_SM)
    return _Number(Summary(interval.value, NAN, len(values_SM)), interval)


def _terms(counterpart: Counterpart, runs: pd.DataFrame) -> pd.DataFrame:
    """Return a column per term."""
    return pd.concat([_values(term, runs) for term in counterpart.terms], axis="columns", ignore_index=True)


def _values(term: Term, runs: pd.DataFrame) -> pd.Series:
    """Return a term of each run."""
    first = runs[term.metrics[0]]
    if term.form == "distance":
        return (first - runs[term.metrics[1]]).abs()
    return 100.0 - first if term.form == "error" else first
