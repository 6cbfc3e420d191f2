"""The whole report: from the tidy tables to the page and the files beside it. No reading, no writing."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import pandas as pd
from markupsafe import Markup, escape

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting import export, ledger, numbers, provenance, ranking
from reunlearn.reporting.drawings import Drawing
from reunlearn.reporting.experiment_data import ExperimentData, Tables, choose
from reunlearn.reporting.grid import Grid
from reunlearn.reporting.holes import find_holes
from reunlearn.reporting.sections import Section, build
from reunlearn.study.cards import Catalogue
from reunlearn.study.meetings import Meeting
from reunlearn.study.schema import Study

TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Report:
    """The page, and the other files by their path relative to it."""

    page: str
    files: dict[str, str | bytes]


def make_report(
    study: Study,
    tables: Tables,
    gathered: Gathered,
    cards: Catalogue,
    *,
    printed: Mapping[str, Sequence[Meeting]] | None = None,
    forgotten: Mapping[str, str] | None = None,
    logs: Collection[str] = (),
) -> Report:
    """Return the report of a study.

    Args:
        study: with one experiment per step, where it forgets in steps.
        tables: what the stage `aggregate` writes.
        gathered: what it writes to runs.json.
        cards: of the plugins that the study uses.
        printed: printed numbers, each with the row that it meets, by experiment.
        forgotten: what is forgotten, in words, by experiment.
        logs: folders of the jobs that have a log.
    """
    measured = set(tables.results["experiment"])
    experiments = [
        choose(
            experiment,
            tables,
            gathered,
            cards,
            printed=(printed or {}).get(experiment.name, ()),
            forgotten=(forgotten or {}).get(experiment.name, ""),
        )
        for experiment in study.experiments
        if experiment.name in measured
    ]
    sections = _build_all(experiments)
    ranks = ranking.build(experiments)
    methods = ledger.used_methods(gathered.runs, cards.methods)
    text = (
        environment()
        .get_template("page.html")
        .render(
            study=study,
            sections=sections,
            methods=methods,
            rows=sum(len(method.rows) for method in methods),
            ranks=ranks,
            ledger=ledger.build(methods, gathered.runs),
            holes=find_holes(gathered.missing, logs),
            jobs=len(gathered.jobs) + len(gathered.missing),
            provenance=provenance.gather(gathered.jobs.values()),
        )
    )
    files: dict[str, str | bytes] = {}
    for section in sections:
        files |= files_of(section.grids, section.numbers, section.drawings)
    if ranks:
        files |= files_of([ranks.grid], {ranking.NAME: ranks.numbers}, [ranks.drawing])
    return Report(text, files)


def _build_all(experiments: Sequence[ExperimentData]) -> list[Section]:
    """Return the sections; several are drawn side by side, each in a process of its own."""
    if len(experiments) < 2:
        return [build(data) for data in experiments]
    with multiprocessing.get_context("fork").Pool(min(len(experiments), os.cpu_count() or 1)) as pool:
        return pool.map(build, experiments, chunksize=1)


def files_of(
    grids: Iterable[Grid], tables: Mapping[str, pd.DataFrame], drawings: Iterable[Drawing]
) -> dict[str, str | bytes]:
    """Return tables and figures as files, by their path relative to the page."""
    files: dict[str, str | bytes] = {}
    for grid in grids:
        files[f"tables/{grid.name}.tex"] = export.tex(grid)
        files[f"tables/{grid.name}.md"] = export.markdown(grid)
    for name, table in tables.items():
        files[f"tables/{name}.csv"] = export.csv(table)
    for drawing in drawings:
        files[f"figures/{drawing.name}.svg"] = drawing.svg
        files[f"figures/{drawing.name}.pdf"] = drawing.pdf
    return files


def environment() -> jinja2.Environment:
    """Return the templates' environment: everything is escaped but our own drawings."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["seconds"] = numbers.seconds
    environment.filters["number"] = numbers.plain
    environment.filters["drawing"] = Markup
    environment.filters["breakable"] = breakable
    return environment


def breakable(name: str) -> Markup:
    """Return a name, escaped, that may be broken after an underscore on narrow screens."""
    return escape(name).replace("_", Markup("_<wbr>"))
