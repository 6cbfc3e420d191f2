"""A paper's printed numbers beside ours, with a verdict on each: agreement, or why there is nothing to compare."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from reunlearn.metrics.verdict import EQUAL, NOT_COMPARABLE, OURS, OUTSIDE, PAPER, VERDICTS
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cards import PRINTED
from reunlearn.reporting.cells import NOTHING, Cell, Column, Row, Table
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import NAN
from reunlearn.reporting.printed import Judged, judge
from reunlearn.reporting.rows import RowKey
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="reported",
    title="Reported",
    summary="ours, mean ± standard deviation or interval; below, what is printed and whether the two agree",
    order=30,
)
TONES = {PAPER: "best", EQUAL: "best", OURS: "second", OUTSIDE: "bad", NOT_COMPARABLE: "muted"}
NOTE = (
    "A verdict allows two deviations, first the paper's own, then ours, and half a unit of every last printed digit. "
    "Averages have no deviation: of ours the interval over seeds counts, by the bootstrap. "
    "Agreement in a column means little where the column hardly varies."
)
NOBODY = RowKey("")  # stands for the row of a printed number that no row of this study meets


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return one entry per printed number and row of ours; empty where the study names no printed numbers.

    Columns: remark, printed_method, metric, number, printed, printed_std, ours, ours_std, ours_low, ours_high, n,
    verdict, reason, open, note.
    """
    if not data.printed:
        return pd.DataFrame(index=rows.index([]))
    return pd.DataFrame([_entry(found) for found in judge(data.printed, data.finished)]).set_index(rows.KEY)


def _entry(found: Judged) -> dict[str, object]:
    """Return one entry of the table; printed numbers stay text, because their last digit counts."""
    meeting, interval = found.meeting, found.interval
    cell = meeting.cell
    key = rows.key_of(meeting.row) if meeting.row else NOBODY
    return {
        **key._asdict(),
        "remark": meeting.remark,
        "printed_method": cell.method,
        "metric": cell.metric,
        "number": meeting.counterpart.text if meeting.counterpart else "",
        "printed": cell.mean,
        "printed_std": cell.std,
        "ours": found.ours.mean,
        "ours_std": found.ours.std,
        "ours_low": interval.low if interval else NAN,
        "ours_high": interval.high if interval else NAN,
        "n": found.ours.n,
        "verdict": found.verdict.kind,
        "reason": found.verdict.reason,
        "open": "; ".join(meeting.open),
        "note": cell.note,
    }


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per printed column, with what the verdicts say."""
    if frame.empty:
        return None
    table = frame.reset_index()
    ours = table[table["method"] != NOBODY.method]
    metrics = list(dict.fromkeys(ours["metric"]))
    columns = [
        Column(f"m{place}", m, "", PRINTED.model_copy(update={"title": m})) for place, m in enumerate(metrics)
    ]
    shown = []
    for (*key, printed_method), entries in ours.groupby([*rows.KEY, "printed_method"], sort=False):
        row = RowKey(*key)
        by_metric = {entry["metric"]: entry for _, entry in entries.iterrows()}
        cells = tuple(_cell(by_metric.get(m)) for m in metrics)
        remark = entries["remark"].iloc[0] or ("" if row.is_reference else f"printed as {printed_method}")
        shown.append(Row(row, cells, remark))
    notes = (_summary(table), NOTE, *_reasons(table))
    return Table(CARD, data.name, tuple(columns), tuple(shown), notes)


def _cell(entry: pd.Series | None) -> Cell:
    if entry is None:
        return NOTHING
    printed, std = entry["printed"], entry["printed_std"]
    shown = (f"{printed} ± {std}" if std else printed) or numbers.NOTHING
    decimals = max(2, len(printed.partition(".")[2]))
    ours = numbers.with_deviation(entry["ours"], entry["ours_std"], decimals)
    interval = numbers.interval(entry["ours_low"], entry["ours_high"], decimals)
    main = f"{ours} {interval}".rstrip()
    return Cell(
        main, f"{shown} printed: {entry['verdict']}", tone=TONES[entry["verdict"]], value=entry["ours"]
    )


def _summary(table: pd.DataFrame) -> str:
    counts = Counter(table["verdict"])
    verdicts = ", ".join(f"{counts[kind]} {kind}" for kind in VERDICTS if counts[kind])
    absent = sorted(set(table.loc[table["method"] == NOBODY.method, "printed_method"]))
    more = f" Printed, but not run here: {', '.join(absent)}." if absent else ""
    return f"{len(table)} comparisons: {verdicts}.{more}"


def _reasons(table: pd.DataFrame) -> list[str]:
    """Return once each reason why cells are not comparable, what the paper leaves open, each note on a number."""
    ours = table[table["method"] != NOBODY.method]
    apart = ours[ours["verdict"] == NOT_COMPARABLE]
    sentences = [
        f"Not comparable, {reason}: {', '.join(dict.fromkeys(entries['metric']))}."
        for reason, entries in apart.groupby("reason", sort=False)
    ]
    sentences += [f"The paper leaves open: {words}." for words in dict.fromkeys(table["open"]) if words]
    notes = ours[ours["note"] != ""].drop_duplicates(["printed_method", "metric", "note"])
    return sentences + [
        f"{entry['printed_method']}, {entry['metric']}, as printed: {entry['note']}."
        for _, entry in notes.iterrows()
    ]
