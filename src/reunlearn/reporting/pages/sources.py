"""Which runs the numbers of a row come from, and how each was made: what a row of a table links to."""

from __future__ import annotations

from dataclasses import dataclass

from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.section import Run, Section
from reunlearn.study import paths
from reunlearn.study.stages import stage_of


@dataclass(frozen=True)
class Made:
    """How one model was made: its run, and the command that makes it again."""

    run: Run
    command: str


@dataclass(frozen=True)
class Source:
    """The runs of one row.

    Attributes:
        row: of the tables.
        anchor: where the list of runs has it.
        text: how many runs there are, and how many of them finished.
        runs: in the order of the plan.
    """

    row: RowKey
    anchor: str
    text: str
    runs: tuple[Made, ...]


def sources_of(section: Section) -> dict[RowKey, Source]:
    """Return the source of each row of an experiment."""
    by_row: dict[RowKey, list[Run]] = {}
    for run in section.runs:
        by_row.setdefault(run.row, []).append(run)
    return {
        row: Source(row, f"runs-{section.name}-{place}", _count(runs), tuple(map(_made, runs)))
        for place, (row, runs) in enumerate(by_row.items())
    }


def _made(run: Run) -> Made:
    command = f"reunlearn {stage_of(run.folder).name} {run.folder}/{paths.SPECIFICATION}"
    return Made(run, command)


def _count(runs: list[Run]) -> str:
    finished = sum(run.status == "finished" for run in runs)
    whole = f"{len(runs)} run{'' if len(runs) == 1 else 's'}"
    return whole if finished == len(runs) else f"{finished} of {whole}"
