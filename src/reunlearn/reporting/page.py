"""The whole report: from the tidy tables to the page and the files beside it. Tables are read; nothing is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from reunlearn.artifacts.gathered import Gathered
from reunlearn.reporting import export, ledger, overview, provenance, ranking
from reunlearn.reporting.drawings import Drawing
from reunlearn.reporting.experiment_data import ExperimentData, choose, read_tables
from reunlearn.reporting.glossary import glossary_of
from reunlearn.reporting.grid import Grid
from reunlearn.reporting.holes import find_holes
from reunlearn.reporting.overview import Summary
from reunlearn.reporting.ranking import Ranks
from reunlearn.reporting.sections import Section, build
from reunlearn.reporting.sources import sources_of
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.reporting.view import View, environment
from reunlearn.study.cards import Catalogue
from reunlearn.study.meetings import Meeting
from reunlearn.study.schema import Study

ROOT = "../.."  # of a report in its place: reports/STUDY


@dataclass(frozen=True)
class Report:
    """The page, and the other files by their path relative to it."""

    page: str
    files: dict[str, str | bytes]


def make_report(
    study: Study,
    tables: StudyTables,
    gathered: Gathered,
    cards: Catalogue,
    *,
    printed: Mapping[str, Sequence[Meeting]] | None = None,
    forgotten: Mapping[str, str] | None = None,
    logs: Collection[str] = (),
    root: str | None = ROOT,
    single: bool = False,
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
        root: the project's folder, relative to the page; None where the runs are not on this disk.
        single: put everything into the page, and write nothing beside it.
    """
    experiments = _experiments(
        study, tables, gathered, cards, printed=printed or {}, forgotten=forgotten or {}
    )
    sections = [build(data) for data in experiments]
    ranks = ranking.build(experiments)
    grids = [grid for section in sections for grid in section.grids] + ([ranks.grid] if ranks else [])
    view = view_of(grids, root, single=single)
    methods = ledger.used_methods(gathered.runs, cards.methods)
    origin = provenance.gather(gathered.jobs.values())
    text = (
        environment()
        .get_template("page.html")
        .render(
            view=view,
            study=study,
            sections=sections,
            sources={section.name: sources_of(section) for section in sections},
            methods=methods,
            rows=sum(len(method.rows) for method in methods),
            ranks=ranks,
            ledger=ledger.build(methods, gathered.runs),
            holes=find_holes(gathered.missing, logs),
            jobs=len(gathered.jobs) + len(gathered.missing),
            provenance=origin,
        )
    )
    if single:
        return Report(text, {})
    summary = summary_of(study.title, sections, gathered, kind="study")
    return Report(text, {**files_of(sections, study.title, view, ranks), overview.FILE: summary.written()})


def _experiments(
    study: Study,
    tables: StudyTables,
    gathered: Gathered,
    cards: Catalogue,
    *,
    printed: Mapping[str, Sequence[Meeting]],
    forgotten: Mapping[str, str],
) -> list[ExperimentData]:
    """Return the data of each experiment that has results."""
    return [
        choose(
            experiment,
            read_tables(tables, experiment.name),
            gathered,
            cards,
            printed=printed.get(experiment.name, ()),
            forgotten=forgotten.get(experiment.name, ""),
        )
        for experiment in study.experiments
        if experiment.name in tables.experiments
    ]


def view_of(grids: Sequence[Grid], root: str | None, *, single: bool = False) -> View:
    """Return what the templates need to know of a page with these tables."""
    return View(glossary_of(grids), frozenset(grid.name for grid in grids), root, single)


def summary_of(
    title: str,
    sections: Sequence[Section],
    gathered: Gathered,
    *,
    kind: Literal["study", "audit"],
    headline: str = "",
) -> Summary:
    """Return what the list of reports says of one; the headline is the first section's if none is given."""
    first = f"{sections[0].name}: {sections[0].finding.sentence}" if sections else ""
    return Summary(
        kind=kind,
        title=title,
        headline=headline or first,
        experiments=len(sections),
        made=provenance.gather(gathered.jobs.values()).ended,
        jobs=len(gathered.jobs) + len(gathered.missing),
        missing=len(gathered.missing),
    )


def files_of(
    sections: Sequence[Section], title: str, view: View, ranks: Ranks | None = None
) -> dict[str, str | bytes]:
    """Return what lies beside a page, by its path relative to it: tables, figures, lists of runs."""
    files: dict[str, str | bytes] = {}
    template = environment().get_template("runs.html")
    for section in sections:
        files |= _tables_and_figures(section.grids, section.numbers, section.drawings)
        rendered = template.render(title=title, s=section, sources=sources_of(section), view=view)
        files[view.runs_page(section.name)] = rendered
    if ranks:
        files |= _tables_and_figures([ranks.grid], {ranking.NAME: ranks.numbers}, [ranks.drawing])
    return files


def _tables_and_figures(
    grids: Iterable[Grid], tables: Mapping[str, pd.DataFrame], drawings: Iterable[Drawing]
) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {}
    for grid in grids:
        files[f"tables/{grid.name}.tex"] = export.tex(grid)
        files[f"tables/{grid.name}.md"] = export.markdown(grid)
    for name, table in tables.items():
        files[f"tables/{name}.csv"] = export.csv(table)
    for drawing in drawings:
        files[f"figures/{drawing.name}.svg"] = drawing.svg
        files[f"figures/{drawing.name}.pdf"] = drawing.pdf
        if drawing.numbers is not None:
            files[drawing.csv] = export.csv(drawing.numbers.set_index("panel"))
    return files
