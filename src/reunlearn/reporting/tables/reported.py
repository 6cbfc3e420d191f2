"""A paper's printed numbers beside ours, with a verdict on each: agreement, or why there is nothing to compare."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from reunlearn.metrics.verdict import NOT_COMPARABLE, VERDICTS
from reunlearn.reporting import rows
from reunlearn.reporting.cards import PRINTED
from reunlearn.reporting.cells import NOTHING, Cell, Column, Row, Table
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.parts.cost import timed_apart
from reunlearn.reporting.printed import judge
from reunlearn.reporting.printed_cells import DOUBTFUL, cell_of, entry_of
from reunlearn.reporting.rows import NOBODY, RowKey
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="reported",
    title="Reported",
    summary="ours, mean ± standard deviation or interval, in brackets the gap to Retrain where one is printed; below, "
    "what is printed and whether the two agree",
    order=30,
)
NOTE = (
    "A verdict allows two deviations, first the paper's own, then ours, and half a unit of every last printed digit. "
    "Averages and gaps have no deviation: of ours the interval over seeds counts, by the bootstrap. "
    "Run times are compared as shares of Retrain's. "
    "Agreement in a column means little where the column hardly varies."
)


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return one entry per printed number and row of ours; empty where the study names no printed numbers.

    Columns: remark; the printed number with its setting; number, ours, its deviation, interval, n; verdict, reason; the
    same of the gap to Retrain, where one is printed; open, doubt. See `printed_cells.entry_of`.
    """
    if not data.printed:
        return pd.DataFrame(index=rows.index([]))
    judged = judge(data.printed, data.finished, timed_apart(data.runs, data.jobs))
    return pd.DataFrame([entry_of(found, data.counts) for found in judged]).set_index(rows.KEY)


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
    return NOTHING if entry is None else cell_of(entry)


def _summary(table: pd.DataFrame) -> str:
    counts = Counter(table["verdict"])
    verdicts = ", ".join(f"{counts[kind]} {kind}" for kind in VERDICTS if counts[kind])
    absent = sorted(set(table.loc[table["method"] == NOBODY.method, "printed_method"]))
    more = f" Printed, but not run here: {', '.join(absent)}." if absent else ""
    return f"{len(table)} comparisons: {verdicts}.{more}"


def _reasons(table: pd.DataFrame) -> list[str]:
    """Return once each reason why cells are not comparable, what the paper leaves open, each remark on a number."""
    ours = table[table["method"] != NOBODY.method]
    apart = ours[ours["verdict"] == NOT_COMPARABLE]
    sentences = [
        f"Not comparable, {reason}: {', '.join(dict.fromkeys(entries['metric']))}."
        for reason, entries in apart.groupby("reason", sort=False)
    ]
    sentences += [f"The paper leaves open: {words}." for words in dict.fromkeys(table["open"]) if words]
    return [
        *sentences,
        *_remarks(ours, "note", "as printed"),
        *_remarks(ours, "doubt", f"doubtful {DOUBTFUL}"),
    ]


def _remarks(table: pd.DataFrame, column: str, kind: str) -> list[str]:
    """Return each remark on a printed number once."""
    remarks = table[table[column] != ""].drop_duplicates(["printed_method", "metric", column])
    return [
        f"{entry['printed_method']}, {entry['metric']}, {kind}: {entry[column]}."
        for _, entry in remarks.iterrows()
    ]
