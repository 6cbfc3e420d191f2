"""Each printed number with what it meets in the studies of config/studies, or why it meets nothing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.errors import UserError
from reunlearn.commands.each import of_each
from reunlearn.reporting import rows
from reunlearn.reporting.parts.cost import timed_apart
from reunlearn.reporting.printed import Judged, judge
from reunlearn.reporting.rows import RowKey
from reunlearn.study import paths
from reunlearn.study.cards import Catalogue
from reunlearn.study.joining import Meaning, meaning_of, meet, ours_of, same_setting
from reunlearn.study.load import load_study, names
from reunlearn.study.meetings import Meeting
from reunlearn.study.papers import Paper
from reunlearn.study.reported import PrintedCell, read_reported
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.steps import per_step


@dataclass(frozen=True)
class Met:
    """A row of a study that a printed number meets.

    Attributes:
        study, experiment: where the row is.
        meeting: the number and the row.
        judged: our number and the verdict, where results are there.
    """

    study: str
    experiment: str
    meeting: Meeting
    judged: Judged | None = None

    @property
    def why_not(self) -> str:
        """Why the two are not compared; empty where they are."""
        return self.meeting.obstacle


@dataclass(frozen=True)
class Line:
    """A printed number: what it is, the rows that it meets or else where one was looked for."""

    cell: PrintedCell
    meaning: Meaning
    met: tuple[Met, ...]
    nothing: str  # why it meets nothing, where it does not

    @property
    def compared(self) -> list[Met]:
        """The rows that it is compared with."""
        return [met for met in self.met if met.meeting.row and not met.why_not]

    @property
    def why_not(self) -> str:
        """Why it is compared with nothing; empty where it is compared."""
        if self.compared:
            return ""
        return self.met[0].why_not if self.met else self.nothing


class Table:
    """One experiment of a study, and the printed numbers that it names."""

    def __init__(self, study: str, experiment: Experiment, cards: Catalogue) -> None:
        self.study, self.experiment, self.cards = study, experiment, cards
        where = f"study '{study}', experiment '{experiment.name}'"
        self.ours = ours_of(experiment, cards, where)
        named = read_reported(experiment.reported, where) if experiment.reported else []
        self.named = {(cell.file, cell.line) for cell in named}

    def met(self, cells: Iterable[tuple[PrintedCell, Meaning]], papers: dict[str, Paper]) -> list[Met]:
        """Return what numbers meet: those that the study names, and those that are printed for its setting."""
        chosen = [
            cell
            for cell, meaning in cells
            if (cell.file, cell.line) in self.named
            or same_setting(cell, meaning, self.experiment, self.cards)
        ]
        if not chosen:
            return []
        meetings = meet(self.ours, chosen, papers)
        name, results = self.experiment.name, self._results()
        if results is None:
            return [Met(self.study, name, meeting) for meeting in meetings]
        judged = judge(meetings, rows.finished_runs(results), self._apart())
        return [Met(self.study, name, found.meeting, found) for found in judged]

    def _apart(self) -> set[RowKey]:
        """Return the rows whose run time cannot be compared with Retrain's."""
        gathered = Gathered.read(Path(paths.results(self.study)))
        runs = [run for run in gathered.runs if run.experiment == self.experiment.name]
        return timed_apart(runs, gathered.jobs)

    def _results(self) -> pd.DataFrame | None:
        """Return the results of the experiment; None where the study has none."""
        path = Path(paths.results(self.study)) / "results.parquet"
        if not path.exists():
            return None
        results = pd.read_parquet(path)
        found = results[results["experiment"] == self.experiment.name]
        return None if found.empty else found


def lines(
    cells: Iterable[PrintedCell], papers: dict[str, Paper], cards: Catalogue, study: str | None = None
) -> Iterator[Line]:
    """Yield each printed number with what it meets in all studies, or in one.

    Args:
        cells: the printed numbers.
        papers: what their words mean.
        cards: of all plugins.
        study: the only one to look at.
    """
    known = [(cell, meaning_of(cell, papers)) for cell in cells]
    met: dict[tuple[str, int], list[Met]] = {}
    for table in _tables(cards, study):
        for found in table.met(known, papers):
            met.setdefault((found.meeting.cell.file, found.meeting.cell.line), []).append(found)
    where = f"the study {study} has no experiment" if study else "no study has an experiment"
    for cell, meaning in known:
        nothing = meaning.absent or f"{where} of this setting"
        everywhere = met.get((cell.file, cell.line), [])
        with_row = [one for one in everywhere if one.meeting.row]
        yield Line(cell, meaning, tuple(with_row or everywhere), nothing)


def _tables(cards: Catalogue, study: str | None) -> Iterator[Table]:
    """Yield every experiment, one for each step; a study that cannot be read is named on stderr."""
    if study is not None and study not in names("studies"):
        load_study(study)  # says which there are
    found = of_each("study", [study] if study else names("studies"), lambda name: _of_study(name, cards))
    if study and study not in found.good:
        raise UserError(f"study '{study}': {found.failed[study]}")
    for tables in found.good.values():
        yield from tables


def _of_study(name: str, cards: Catalogue) -> list[Table]:
    study: Study = load_study(name)
    return [Table(name, step, cards) for e in study.experiments for step in per_step(e)]
