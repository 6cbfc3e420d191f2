"""What the two registries give for one experiment, or over the whole study: tables and figures as they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from reunlearn.reporting import rows
from reunlearn.reporting.cells import Table, file_name
from reunlearn.reporting.drawing.drawing import Drawing, drawing_of
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.figures import registry as figures
from reunlearn.reporting.paper_data import PaperData
from reunlearn.reporting.parts.finding import Finding, find
from reunlearn.reporting.parts.headline import Headline
from reunlearn.reporting.parts.setting import setting
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.study_data import StudyData
from reunlearn.reporting.tables import registry as tables
from reunlearn.study.rows import Seeds


@dataclass(frozen=True)
class Run:
    """One measured model: its folder, and the folders of its measurements by the name of the measure."""

    row: RowKey
    seeds: Seeds
    status: str
    folder: str
    measured: Mapping[str, str]


@dataclass(frozen=True)
class Shown:
    """Tables and figures.

    Attributes:
        tables: as they are shown.
        frames: what they show, and more, by the name of the CSV file.
        drawings: figures.
        absent: a sentence for each figure that cannot be drawn.
    """

    tables: tuple[Table, ...]
    frames: dict[str, pd.DataFrame]
    drawings: tuple[Drawing, ...]
    absent: tuple[str, ...]

    @property
    def alone(self) -> list[str]:
        """The names of the frames of which the page shows no table."""
        shown = {table.name for table in self.tables}
        return [name for name in self.frames if name not in shown]


@dataclass(frozen=True)
class Section:
    """Everything about one experiment.

    Attributes:
        name: of the experiment.
        setting: (what, value) pairs.
        headline: how average gaps are written.
        finding: the main numbers.
        shown: its tables and figures.
        runs: in the order of the plan.
        retrained: whether there is a model to compare with.
        notes: on models of the user's own.
    """

    name: str
    setting: tuple[tuple[str, str], ...]
    headline: Headline
    finding: Finding
    shown: Shown
    runs: tuple[Run, ...]
    retrained: bool = True
    notes: tuple[str, ...] = ()


def build(data: ExperimentData) -> Section:
    """Return the section of one experiment."""
    return Section(
        name=data.name,
        setting=setting(data),
        headline=data.headline,
        finding=find(data),
        shown=show(data),
        runs=tuple(_runs(data)),
        retrained=data.experiment.retrain,
        notes=tuple(data.notes),
    )


def show(data: ExperimentData | StudyData | PaperData) -> Shown:
    """Return the tables and figures that are asked for; those of which nothing was measured are left out."""
    frames = {name: data.frame(name) for name in data.layout.tables}
    shown = (tables.get(name).show(frame, data) for name, frame in frames.items())
    drawn = {name: figures.get(name).draw(data) for name in data.layout.figures}
    return Shown(
        tables=tuple(table for table in shown if table is not None),
        frames={file_name(data.name, name): frame for name, frame in frames.items() if len(frame)},
        drawings=tuple(
            drawing_of(found, figures.card(name), data.name)
            for name, found in drawn.items()
            if not isinstance(found, str)
        ),
        absent=tuple(found for found in drawn.values() if isinstance(found, str) and found),
    )


def _runs(data: ExperimentData) -> Iterator[Run]:
    """Yield every run with its status, in the order of the plan."""
    columns = [*rows.KEY, *rows.SEEDS]
    results = data.results.drop_duplicates(columns)
    keys = results[columns].itertuples(index=False, name=None)
    status = dict(zip(keys, results["status"], strict=True))
    for run in data.runs:
        yield Run(rows.key_of(run.row), run.seeds, status[rows.run_key(run)], run.model, run.measured)
