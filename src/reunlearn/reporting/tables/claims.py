"""A paper's claims, each tested on the seeds of the study: it holds, it does not, or these seeds cannot tell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from reunlearn.metrics import claims as verdicts
from reunlearn.metrics.claims import FAILS, HOLDS, OPEN, UNKNOWN
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cards import CLAIMS
from reunlearn.reporting.cells import NOTHING, Cell, Row, Table, column_of
from reunlearn.reporting.claimed import rivals_of, rows_of, series
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.study_data import StudyData
from reunlearn.study.cards import TableCard
from reunlearn.study.claims import Claim

CARD = TableCard(
    name="claims",
    title="Claims",
    summary="what the paper claims, and what the seeds of this study say to it",
    scope="study",
    order=5,
    opens=True,
)
TONES = {HOLDS: "best", FAILS: "bad", OPEN: "muted", UNKNOWN: "muted"}
COLUMNS = ["claim", "says", "source", "experiment", "number", "verdict", "comparisons", "supporting"]
COLUMNS += ["rival", "difference", "p", "n"]
NOTE = (
    "A claim holds where every mean difference has the claimed sign with p < 0.05 (two-sided paired t test over seeds, "
    "corrected by Holm over the comparisons of the line), and does not where one has the other sign with p < 0.05. One "
    "seed can tell nothing, but shows which way it points."
)


def compute(data: StudyData) -> pd.DataFrame:
    """Return a line per claim, experiment and row; empty where the study names no paper.

    Columns: those of COLUMNS. difference and p are of the comparison that supports the claim least, with `rival`; a
    difference is negative where it supports the claim.
    """
    by_name = {experiment.name: experiment for experiment in data.experiments}
    keys: list[RowKey] = []
    lines = []
    for claim in data.claims:
        for name in claim.experiments:
            if name not in by_name:
                continue
            for row in rows_of(claim, by_name[name]):
                if rivals_of(claim, row, by_name[name]):
                    keys.append(row)
                    lines.append(_line(claim, row, by_name[name]))
    return pd.DataFrame(lines, columns=COLUMNS, index=rows.index(keys))


def _line(claim: Claim, row: RowKey, data: ExperimentData) -> list[object]:
    found = list(series(claim, row, data))
    verdict = verdicts.judge([pair for _, pair in found])
    rival = found[verdict.worst][0].heading if verdict.worst is not None else ""
    rival = f"margin {claim.margin:g}" if claim.expects == "within" else rival
    return [
        claim.name,
        claim.says,
        claim.source,
        data.name,
        claim.number,
        verdict.kind,
        verdict.comparisons,
        verdict.supporting,
        rival,
        verdict.difference,
        verdict.p,
        verdict.n,
    ]


def show(frame: pd.DataFrame, data: StudyData) -> Table | None:
    """Return a row per line: what is claimed, the verdict, and the comparison that supports it least."""
    if frame.empty:
        return None
    columns = tuple(column_of(name, card) for name, card in CLAIMS.items())
    shown = []
    for key, line in zip(frame.index, frame.to_dict("records"), strict=True):
        cells = (
            Cell(line["verdict"], _points(line), tone=TONES[line["verdict"]]),
            _least(line),
            Cell(f"{line['n']}", value=line["n"]),
        )
        remark = f"{line['says']} ({line['source']}); {line['experiment']}"
        shown.append(Row(RowKey(*key), cells, remark))
    return Table(CARD, data.name, columns, tuple(shown), (_summary(frame), NOTE))


def _points(line: Mapping[str, Any]) -> str:
    """Return in how many comparisons the means point the claimed way."""
    return f"{line['supporting']} of {line['comparisons']} point that way" if line["n"] else ""


def _least(line: Mapping[str, Any]) -> Cell:
    difference, p = line["difference"], line["p"]
    if not numbers.known(difference):
        return NOTHING
    below = f"{line['rival']}" + (f", p {p:.2g}" if numbers.known(p) else "")
    return Cell(numbers.plain(difference, 2), below, value=difference)


def _summary(frame: pd.DataFrame) -> str:
    counts = frame["verdict"].value_counts()
    found = ", ".join(f"{kind} {counts[kind]}" for kind in verdicts.VERDICTS if kind in counts)
    return f"{frame['claim'].nunique()} claims in {len(frame)} lines: {found}."
