"""`reunlearn printed`: every number that a paper prints, with the row of ours that it meets, or why there is none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from reunlearn.commands.printed_lines import Line, Met, lines
from reunlearn.commands.printing import Row, joined, print_json, print_table
from reunlearn.metrics.statistics import Interval, Summary
from reunlearn.reporting import numbers
from reunlearn.study.catalogue import catalogue
from reunlearn.study.joining import Meaning
from reunlearn.study.papers import names as paper_names
from reunlearn.study.papers import papers, read_paper
from reunlearn.study.reported import PrintedCell, all_cells

COMPARED = "meets a row that it is compared with"


@dataclass(frozen=True)
class PaperLine:
    """A paper in short: how many numbers and gaps it prints, how many numbers are compared, why the others are not."""

    paper: str
    title: str
    cells: int
    gaps: int
    compared: int
    reasons: dict[str, int]


@dataclass(frozen=True)
class Partner:
    """A row that a printed number meets; value, interval and verdict where results are there; the same of its gap."""

    study: str
    experiment: str
    row: str
    number: str
    why_not: str
    remark: str
    ours: Summary | None
    interval: Interval | None
    verdict: str
    reason: str
    gap: float | None
    gap_verdict: str


@dataclass(frozen=True)
class CellLine:
    """A printed number in full: as printed, what it means here, what it meets, why it is compared with nothing."""

    printed: PrintedCell
    meaning: Meaning
    meets: list[Partner]
    why_not: str


def printed(paper: str | None, study: str | None, as_json: bool) -> None:
    """List papers, or each printed number of one."""
    cards = catalogue()
    known = papers(cards)
    files = {read_paper(name, cards).paper: name for name in paper_names()}
    name = read_paper(paper, cards).paper if paper else None
    cells = [cell for cell in all_cells() if name in (None, cell.paper)]
    found = list(lines(cells, known, cards, study))
    if name is None:
        short = [
            _short(file, known[p].title, [x for x in found if x.cell.paper == p]) for p, file in files.items()
        ]
        _print_papers(short, as_json)
    elif as_json:
        print_json([_full(line) for line in found])
    else:
        title = f"{known[name].title}: {len(found)} printed numbers"
        print_table([_row(line, met) for line in found for met in line.met or (None,)], title, one_line=True)


def _short(file: str, title: str, found: list[Line]) -> PaperLine:
    reasons = Counter(line.why_not or COMPARED for line in found)
    compared = reasons.pop(COMPARED, 0)
    gaps = sum(bool(line.cell.gap) for line in found)
    return PaperLine(file, title, len(found), gaps, compared, dict(reasons.most_common()))


def _print_papers(short: list[PaperLine], as_json: bool) -> None:
    """Print a line per paper and reason."""
    if as_json:
        print_json(short)
        return
    table = [
        {
            "paper": line.paper,
            "cells": str(count),
            "of": str(line.cells),
            "what they meet, or why nothing": reason,
        }
        for line in short
        for reason, count in ({COMPARED: line.compared} | line.reasons).items()
    ]
    total, gaps = sum(line.cells for line in short), sum(line.gaps for line in short)
    title = f"{total} printed numbers, {gaps} of them with their gap to Retrain (reunlearn printed PAPER shows each)"
    print_table(table, title, apart="paper")


def _row(line: Line, met: Met | None) -> Row:
    """Return a line of the table of one paper."""
    cell = line.cell
    shown = f"{cell.mean} ± {cell.std}" if cell.std else cell.mean or numbers.NOTHING
    shown += f" ({cell.gap})" if cell.gap else ""
    partner = _partner(met) if met else None
    place = f"{partner.study} {partner.experiment} {partner.row or 'no row'}" if partner else ""
    value = ""
    if partner and partner.ours and partner.ours.n:
        value = numbers.with_deviation(partner.ours.mean, partner.ours.std, 2)
        value += f" ({partner.gap:.2f})" if partner.gap is not None else ""
    why = (partner.why_not or partner.reason or partner.number) if partner else line.why_not
    return {
        "table": cell.table,
        "setting": joined([w for w in (cell.dataset, cell.model, cell.scenario, cell.fraction) if w]),
        "method": cell.method,
        "metric": cell.metric,
        "printed": shown,
        "meets": place or numbers.NOTHING,
        "ours": value or numbers.NOTHING,
        "verdict": _verdict(partner) or numbers.NOTHING,
        "number, or why not": why,
    }


def _verdict(partner: Partner | None) -> str:
    """Return the verdict on a number, and that on its gap where it is another one."""
    if partner is None or partner.gap_verdict in ("", partner.verdict):
        return partner.verdict if partner else ""
    return f"{partner.verdict}, its gap {partner.gap_verdict}"


def _full(line: Line) -> CellLine:
    return CellLine(line.cell, line.meaning, [_partner(met) for met in line.met], line.why_not)


def _partner(met: Met) -> Partner:
    meeting, judged = met.meeting, met.judged
    gap = judged.gap if judged else None
    return Partner(
        study=met.study,
        experiment=met.experiment,
        row=meeting.row.name if meeting.row else "",
        number=meeting.counterpart.text if meeting.counterpart else "",
        why_not=met.why_not,
        remark=meeting.remark,
        ours=judged.ours if judged and judged.ours.n else None,
        interval=judged.interval if judged else None,
        verdict=judged.verdict.kind if judged else "",
        reason=judged.verdict.reason if judged else "",
        gap=gap.interval.value if gap and numbers.known(gap.interval.value) else None,
        gap_verdict=gap.verdict.kind if gap else "",
    )
