"""A table of the paper that a study reproduces, in the paper's own layout: ours beside what is printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from reunlearn.metrics.verdict import NOT_COMPARABLE, VERDICTS
from reunlearn.reporting import rows
from reunlearn.reporting.axes import METHOD, Entry, Line, entry_at, fits, key_of, lines
from reunlearn.reporting.cells import NOTHING, AsPrinted, Cell, Column, Row, Table
from reunlearn.reporting.frames import NAN
from reunlearn.reporting.paper_data import PaperData
from reunlearn.reporting.printed_cells import DOUBTFUL, cell_of, printed_part
from reunlearn.reporting.rows import NOBODY
from reunlearn.study.cards import NumberCard, TableCard
from reunlearn.study.laid_out import LaidOut, Place

CARD = TableCard(
    name="paper",
    title="The paper's table",
    summary="each table of the paper in its own layout, ours beside what is printed",
    scope="paper",
    order=10,
)
HOW = "ours, with its gap to Retrain where one is printed; below, what is printed, and the verdict or why there is none"
HEADS = {"dataset": "Dataset", "model": "Network", "scenario": "Scenario", "fraction": "Forgotten"}
HEADS |= {"method": "Method", "metric": "Number"}
EMPTY: dict[str, object] = {"ours": NAN, "ours_std": NAN, "ours_low": NAN, "ours_high": NAN, "n": 0}
EMPTY |= {"gap": NAN, "gap_low": NAN, "gap_high": NAN, "verdict": NOT_COMPARABLE}
WORDS = (
    "remark",
    "number",
    "share",
    "share_std",
    "gap_verdict",
    "gap_reason",
    "open",
    "experiment",
    "status",
)


def compute(data: PaperData) -> pd.DataFrame:
    """Return one entry per printed number and row of ours, as `reported` has them, with the experiment.

    A number that no row of ours meets has an entry without a row, whose `reason` says why.
    """
    met = _met(data)
    entries = []
    for place in data.table.places:
        here = met.get((place.cell.file, place.cell.line), [])
        with_row = [entry for entry in here if key_of(entry) != NOBODY]
        entries += with_row or here[:1] or [_alone(place)]
    return pd.DataFrame(entries).set_index(rows.KEY)


def _met(data: PaperData) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """Return what each printed number meets, by its file and line; of several experiments the first counts."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    wanted = {(place.cell.file, place.cell.line) for place in data.table.places}
    for experiment in data.experiments:
        frame = experiment.frame("reported")
        if frame.empty:
            continue
        for entry in frame.reset_index().to_dict("records"):
            place = (entry["file"], entry["line"])
            if place in wanted:
                found.setdefault(place, []).append({**entry, "experiment": experiment.name})
    return found


def _alone(place: Place) -> dict[str, Any]:
    """Return the entry of a printed number that no experiment names."""
    printed = printed_part(place.cell)
    share, deviation = place.share or ("", "")
    empty = {**dict.fromkeys(WORDS, ""), **EMPTY, "share": share, "share_std": deviation}
    return {**NOBODY._asdict(), **printed, **empty, "reason": place.absent, "doubt": place.doubt}


def show(frame: pd.DataFrame, data: PaperData) -> Table | None:
    """Return the table as the paper lays it out; reasons and doubts are numbered below it."""
    entries: list[Entry] = frame.reset_index().to_dict("records")
    table = data.table
    marks = _marks(entries)
    down, across = lines(table.rows, table, entries), lines(table.columns, table, entries)
    titled = table.rows[-1] == METHOD
    shown = [
        Row(
            row.row if titled and row.row else NOBODY,
            tuple(_cell(entry_at(entries, row, column), marks) for column in across),
            title=row.title(table),
            group=row.group(table),
        )
        for row in down
    ]
    return Table(
        CARD,
        data.name,
        tuple(_column(place, column, table, entries) for place, column in enumerate(across)),
        tuple(shown),
        (_summary(entries), *(f"{mark} {reason}." for reason, mark in marks.items()), *_doubts(entries)),
        AsPrinted(table.title, f"{table.caption}; {HOW}", _head(table.rows[:-1]), _head(table.rows[-1:])),
    )


def _head(facets: Sequence[str]) -> str:
    return ", ".join(HEADS[facet] for facet in facets)


def _marks(entries: Sequence[Entry]) -> dict[str, str]:
    """Return a number in brackets for each reason why numbers are not comparable."""
    reasons = dict.fromkeys(e["reason"] for e in entries if e["verdict"] == NOT_COMPARABLE)
    return {reason: f"[{number}]" for number, reason in enumerate(reasons, start=1)}


def _cell(entry: Entry | None, marks: Mapping[str, str]) -> Cell:
    if entry is None:
        return NOTHING
    return cell_of(entry, marks[entry["reason"]] if entry["verdict"] == NOT_COMPARABLE else "")


def _column(place: int, column: Line, table: LaidOut, entries: Sequence[Entry]) -> Column:
    """Return a column with its definition: what its numbers are, and which row of ours it is if it is a method."""
    here = [entry for entry in entries if fits(entry, column.values)]
    says = "; ".join(dict.fromkeys(table.says[entry["metric"]] for entry in here))
    units = dict.fromkeys("% of Retrain" if entry["share"] else entry["unit"] for entry in here)
    unit = "" if len(units) > 1 else next(iter(units))
    title = column.title(table)
    if column.row not in (None, NOBODY):
        unit = column.row.heading if column.row else ""
    card = NumberCard(
        title=title,
        compares=says,
        unit=unit,
        direction="",
        ideal="the printed value, within a spread",
        source=table.source,
    )
    return Column(f"c{place}", title, unit, card, column.group(table))


def _summary(entries: Sequence[Entry]) -> str:
    """Say how many printed numbers there are, and what the verdicts on them and on their gaps are."""
    printed = {(entry["file"], entry["line"]) for entry in entries}
    parts = [f"{len(printed)} printed numbers, {len(entries)} comparisons: {_counts(entries, 'verdict')}."]
    if any(entry["gap_verdict"] for entry in entries):
        parts.append(f"Of the gaps to Retrain: {_counts(entries, 'gap_verdict')}.")
    return " ".join(parts)


def _counts(entries: Sequence[Entry], column: str) -> str:
    counts = Counter(entry[column] for entry in entries)
    return ", ".join(f"{counts[kind]} {kind}" for kind in VERDICTS if counts[kind])


def _doubts(entries: Sequence[Entry]) -> list[str]:
    """Return once what is odd about each doubtful printed number, and what the paper leaves open."""
    odd: dict[str, list[str]] = {}
    for entry in entries:
        if entry["doubt"]:
            place = ", ".join(filter(None, (entry["fraction"], entry["printed_method"], entry["metric"])))
            odd.setdefault(entry["doubt"], []).append(place)
    doubts = [f"{DOUBTFUL} {'; '.join(dict.fromkeys(places))}: {why}." for why, places in odd.items()]
    return [
        *doubts,
        *(f"The paper leaves open: {w}." for w in dict.fromkeys(e["open"] for e in entries) if w),
    ]
