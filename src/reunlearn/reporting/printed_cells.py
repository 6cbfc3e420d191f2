"""A printed number beside ours: as an entry of a table's file, and as a cell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reunlearn.metrics.verdict import EQUAL, NOT_COMPARABLE, OURS, OUTSIDE, PAPER
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cells import Cell
from reunlearn.reporting.frames import NAN
from reunlearn.reporting.printed import Judged
from reunlearn.reporting.rows import NOBODY, Counts, RowKey
from reunlearn.study.reported import PrintedCell

TONES = {PAPER: "best", EQUAL: "best", OURS: "second", OUTSIDE: "bad", NOT_COMPARABLE: "muted"}
DOUBTFUL = "(?)"  # marks a printed number that cannot be right, or looks odd
PRINTED = ("file", "line", "table", "dataset", "model", "scenario", "fraction")


def entry_of(found: Judged, counts: Mapping[RowKey, Counts]) -> dict[str, object]:
    """Return one entry of a table's file; printed numbers stay text, because their last digit counts.

    Args:
        found: the printed number, ours and the verdict.
        counts: how many runs of each row finished.
    """
    meeting, interval, gap = found.meeting, found.interval, found.gap
    row = rows.key_of(meeting.row) if meeting.row else NOBODY
    return {
        **row._asdict(),
        "remark": meeting.remark,
        **printed_part(meeting.cell),
        "number": meeting.counterpart.text if meeting.counterpart else "",
        "share": meeting.share[0] if meeting.share else "",
        "share_std": meeting.share[1] if meeting.share else "",
        "ours": found.ours.mean,
        "ours_std": found.ours.std,
        "ours_low": interval.low if interval else NAN,
        "ours_high": interval.high if interval else NAN,
        "n": found.ours.n,
        "status": counts[row].absence if row in counts else "",
        "verdict": found.verdict.kind,
        "reason": found.verdict.reason,
        "gap": gap.interval.value if gap else NAN,
        "gap_low": gap.interval.low if gap else NAN,
        "gap_high": gap.interval.high if gap else NAN,
        "gap_verdict": gap.verdict.kind if gap else "",
        "gap_reason": gap.verdict.reason if gap else "",
        "open": "; ".join(meeting.open),
        "doubt": meeting.doubt,
    }


def printed_part(cell: PrintedCell) -> dict[str, object]:
    """Return what an entry says of the printed number alone."""
    return {
        **{name: getattr(cell, name) for name in PRINTED},
        "printed_method": cell.method,
        "metric": cell.metric,
        "printed": cell.mean,
        "printed_std": cell.std,
        "printed_gap": cell.gap,
        "unit": cell.unit,
        "note": cell.note,
    }


def cell_of(entry: Mapping[str, Any], mark: str = "") -> Cell:
    """Return ours, with the gap to Retrain where one is printed; below, what is printed and the verdict.

    Args:
        entry: of the table's file.
        mark: stands instead of the verdict.
    """
    main = entry["status"] or numbers.NOTHING
    if numbers.known(entry["ours"]):
        decimals = max(2, len(entry["printed"].partition(".")[2]))
        ours = numbers.with_deviation(entry["ours"], entry["ours_std"], decimals)
        main = f"{ours} {numbers.interval(entry['ours_low'], entry['ours_high'], decimals)}".rstrip()
        if entry["share"]:
            main += " %"
        if numbers.known(entry["gap"]):
            main += f" ({numbers.plain(entry['gap'], decimals)})"
    below = f"{as_printed(entry)} {mark}" if mark else f"{as_printed(entry)} printed: {_verdict(entry)}"
    return Cell(main, below, tone=TONES[entry["verdict"]], value=entry["ours"])


def as_printed(entry: Mapping[str, Any]) -> str:
    """Return a printed number with its deviation, its gap, its share of Retrain's and the mark of a doubt."""
    number = with_std(entry["printed"], entry["printed_std"]) or entry["note"] or numbers.NOTHING
    if entry["printed_gap"]:
        number += f" ({entry['printed_gap']})"
    if entry["share"]:
        number += f" {entry['unit'].partition(' ')[0]} = {with_std(entry['share'], entry['share_std'])} % of Retrain"
    return f"{number} {DOUBTFUL}" if entry["doubt"] else number


def with_std(mean: str, std: str) -> str:
    """Return a printed number with its deviation, where it has one."""
    return f"{mean} ± {std}" if std else mean


def _verdict(entry: Mapping[str, Any]) -> str:
    """Return the verdict on the number, and that on its gap where it is another one."""
    if entry["gap_verdict"] in ("", entry["verdict"]):
        return str(entry["verdict"])
    return f"{entry['verdict']}, its gap {entry['gap_verdict']}"
