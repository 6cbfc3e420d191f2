"""One experiment as it stands in the page: setting, finding, tables, figures, runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from reunlearn.reporting import further, numbers, rows
from reunlearn.reporting.drawings import Drawing, draw_all
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.finding import Finding, find
from reunlearn.reporting.grid import Grid
from reunlearn.reporting.grids import attack_grid, method_grid
from reunlearn.reporting.headline import Headline
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.tables import attack_table, method_table, metric_table
from reunlearn.study.rows import Seeds
from reunlearn.study.schema import Shadows


@dataclass(frozen=True)
class Run:
    """One measured model: its folder, and the folders of its measurements by the name of the measure."""

    row: RowKey
    seeds: Seeds
    status: str
    folder: str
    measured: Mapping[str, str]


@dataclass(frozen=True)
class Section:
    """Everything about one experiment.

    Attributes:
        name: of the experiment.
        setting: (what, value) pairs.
        headline: how average gaps are written.
        finding: the main numbers.
        grids: tables as they are shown.
        numbers: tables of numbers, by the name of the CSV file.
        drawings: figures.
        absent: a sentence for each figure that cannot be drawn.
        runs: in the order of the plan.
    """

    name: str
    setting: tuple[tuple[str, str], ...]
    headline: Headline
    finding: Finding
    grids: tuple[Grid, ...]
    numbers: dict[str, pd.DataFrame]
    drawings: tuple[Drawing, ...]
    absent: tuple[str, ...]
    runs: tuple[Run, ...]


def build(data: ExperimentData) -> Section:
    """Return the section of one experiment."""
    methods = method_table(data)
    grids = [method_grid(methods, data)]
    tables = {f"{data.name}-methods": methods, f"{data.name}-metrics": metric_table(data)}
    if data.attacks:
        attacks = attack_table(data)
        tables[f"{data.name}-attacks"] = attacks
        grids.append(attack_grid(attacks, data))
    drawings, absent = draw_all(data, methods)
    more = further.build(data, methods)
    return Section(
        name=data.name,
        setting=setting(data),
        headline=data.headline,
        finding=find(methods, data.headline),
        grids=(*grids, *more.grids),
        numbers={**tables, **more.numbers},
        drawings=tuple(drawings),
        absent=tuple(absent),
        runs=tuple(_runs(data)),
    )


def setting(data: ExperimentData) -> tuple[tuple[str, str], ...]:
    """Return (what, value) pairs that say what was run; of the shadow models those that a measure reads."""
    experiment, sizes = data.experiment, data.sizes
    architecture, objective = experiment.architecture, experiment.objective
    options = ", ".join(f"{k} {v}" for k, v in architecture.settings.items())
    count = f": {numbers.span(*sizes.forget)} of {numbers.span(*sizes.train)} samples" if sizes else ""
    pairs = [
        ("Forget", data.forgotten + count),
        ("Data", experiment.dataset.name),
        ("Network", architecture.name + (f" ({options})" if options else "")),
        *([("Objective", objective.name)] if objective else []),
        ("Recipe", experiment.recipe),
        ("Seeds", ", ".join(map(str, sorted({run.seeds.train for run in data.runs})))),
    ]
    kinds = {kind for card in data.measures.values() for kind in card.pools}
    if kinds:
        shadows = experiment.shadows or Shadows.model_validate({})
        counts = [f"{count} {kind}" for kind, count in shadows.model_dump().items() if kind in kinds]
        pairs.append(("Shadow models", ", ".join(counts)))
    return tuple(pairs)


def _runs(data: ExperimentData) -> Iterator[Run]:
    """Yield every run with its status, in the order of the plan."""
    columns = [*rows.KEY, *rows.SEEDS]
    results = data.results.drop_duplicates(columns)
    keys = results[columns].itertuples(index=False, name=None)
    status = dict(zip(keys, results["status"], strict=True))
    for run in data.runs:
        yield Run(rows.key_of(run.row), run.seeds, status[rows.run_key(run)], run.model, run.measured)
