"""Our numbers for printed ones, with a verdict on each; the plan says which row meets which number."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
from reunlearn.study import specs
from reunlearn.study.meetings import Counterpart, Meeting, Term

UNKNOWN = Summary(NAN, NAN, 0)
NO_PAIR = "no seed has every term, of this row and of Retrain"
NO_RUN = "no run of it is in these results"
NO_TIME = "Retrain has no run time in these results"
OTHER_MACHINE = "it ran on another device, processor or number of threads than Retrain"


@dataclass(frozen=True)
class Judged:
    """A printed number with ours and the verdict.

    Attributes:
        meeting: the printed number and the row that it meets.
        ours: mean, deviation and n of our runs; of an average n counts pairs with Retrain, and there is no deviation.
        interval: of an average, over seeds.
        verdict: on the two.
        gap: the same for the gap to Retrain, where one is printed that is not 0 by definition.
    """

    meeting: Meeting
    ours: Summary
    interval: Interval | None
    verdict: Verdict
    gap: JudgedGap | None = None


@dataclass(frozen=True)
class JudgedGap:
    """A printed gap to Retrain with ours over common seeds, its interval and the verdict."""

    printed: str
    interval: Interval
    verdict: Verdict


@dataclass(frozen=True)
class _Number:
    """Our number, or why there is none."""

    ours: Summary
    interval: Interval | None = None
    missing: str = ""


def judge(
    meetings: Iterable[Meeting], finished: Mapping[RowKey, pd.DataFrame], apart: Collection[RowKey] = ()
) -> list[Judged]:
    """Return a verdict per meeting.

    Args:
        meetings: what the plan says.
        finished: the finished runs of each row of the experiment; see `rows.finished_runs`.
        apart: rows whose run time cannot be compared with Retrain's.
    """
    meetings = list(meetings)
    wanted = {m for meeting in meetings for m in _metrics(meeting.counterpart)}
    measured = {m for runs in finished.values() for m in runs} & wanted
    runs = {row: part.reindex(columns=sorted(measured)) for row, part in finished.items()}
    judged = []
    for meeting in meetings:
        number = _number(meeting, runs, measured)
        if meeting.counterpart and meeting.counterpart.share and meeting.row:
            number = _of_one_machine(number, rows.key_of(meeting.row) in apart)
        obstacle = meeting.obstacle or number.missing
        found = verdict(number.ours, Printed(*meeting.compared), obstacle, number.interval)
        gap = _judged_gap(meeting, runs, obstacle) if meeting.cell.gap else None
        judged.append(Judged(meeting, number.ours, number.interval, found, gap))
    return judged


def _of_one_machine(number: _Number, apart: bool) -> _Number:
    return _Number(UNKNOWN, missing=OTHER_MACHINE) if apart else number


def _judged_gap(meeting: Meeting, runs: Mapping[RowKey, pd.DataFrame], obstacle: str) -> JudgedGap | None:
    """Return the verdict on a printed gap; none on Retrain's own, which is 0 by definition."""
    if (
        meeting.row is None
        or meeting.counterpart is None
        or meeting.row in (specs.RETRAIN, specs.NOISE_FLOOR)
    ):
        return None
    row = rows.key_of(meeting.row)
    number = _Number(UNKNOWN, missing=obstacle or NO_PAIR)
    if row in runs and all(m in runs[row] for m in _metrics(meeting.counterpart)):
        tables = {key: _terms(meeting.counterpart, runs[key]) for key in (row, RETRAIN) if key in runs}
        number = _average(*paired_values(tables, row))
    interval = number.interval or Interval(NAN, NAN, NAN)
    found = verdict(number.ours, Printed(meeting.cell.gap), obstacle or number.missing, interval)
    return JudgedGap(meeting.cell.gap, interval, found)


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
    if counterpart.share:
        return _share(counterpart.terms[0].metrics[0], runs, row)
    if not counterpart.average:
        return _Number(summarise(_values(counterpart.terms[0], runs[row]).to_numpy()))
    tables = {key: _terms(counterpart, runs[key]) for key in (row, RETRAIN) if key in runs}
    return _average(*paired_values(tables, row))


def _share(metric: str, runs: Mapping[RowKey, pd.DataFrame], row: RowKey) -> _Number:
    """Return a number of each run in % of the mean of Retrain's."""
    whole = summarise(rows.values(runs[RETRAIN], metric)).mean if RETRAIN in runs else NAN
    if not whole > 0:
        return _Number(UNKNOWN, missing=NO_TIME)
    return _Number(summarise(100 * rows.values(runs[row], metric) / whole))


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
