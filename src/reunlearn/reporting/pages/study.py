"""The report of a study: from what `aggregate` writes to the page and the files beside it. Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from typing import Any

from reunlearn.artifacts.gathered import Gathered
from reunlearn.base.side_by_side import side_by_side
from reunlearn.reporting.experiment import ExperimentData, Tables, choose
from reunlearn.reporting.pages import overview
from reunlearn.reporting.pages.report import ROOT, Report, files_of, runs_pages, summary_of, view_of
from reunlearn.reporting.pages.sources import sources_of
from reunlearn.reporting.pages.view import environment
from reunlearn.reporting.paper_data import PaperData
from reunlearn.reporting.parts import divergences, provenance
from reunlearn.reporting.parts.missing import find_holes
from reunlearn.reporting.section import Section, Shown, build, show
from reunlearn.reporting.study_data import StudyData
from reunlearn.reporting.study_tables import StudyTables
from reunlearn.study.report_jobs import ReportJob


def make_report(
    job: ReportJob,
    tables: StudyTables,
    gathered: Gathered,
    *,
    logs: Collection[str] = (),
    root: str | None = ROOT,
    single: bool = False,
    cores: int = 1,
) -> Report:
    """Return the report of a study.

    Args:
        job: the study, what is shown of it, the cards of what it uses, printed numbers.
        tables: what the stage `aggregate` writes.
        gathered: what it writes to runs.json.
        logs: folders of the jobs that have a log.
        root: the project's folder, relative to the page; None where the runs are not on this disk.
        single: put everything into the page, and write nothing beside it.
        cores: on which tables and figures are made side by side.
    """
    experiments = _experiments(job, tables, gathered)
    sections, whole, paper = _drawn(job, experiments, cores)
    shown = [*(section.shown for section in sections), whole, *paper]
    view = view_of([table for part in shown for table in part.tables], root, single=single)
    methods = divergences.used_methods(gathered.runs, job.cards.methods)
    text = (
        environment()
        .get_template("page.html")
        .render(
            view=view,
            study=job.study,
            sections=sections,
            sources={section.name: sources_of(section) for section in sections},
            whole=whole,
            paper=paper,
            methods=methods,
            rows=sum(len(method.rows) for method in methods),
            ledger=divergences.build(methods, gathered.runs),
            holes=find_holes(gathered.missing, logs),
            jobs=len(gathered.jobs) + len(gathered.missing),
            provenance=provenance.gather(gathered.jobs.values()),
        )
    )
    if single:
        return Report(text, {})
    title = job.study.title
    files = files_of(shown) | runs_pages(sections, title, view)
    return Report(
        text, {**files, overview.FILE: summary_of(title, sections, gathered, kind="study").written()}
    )


def _drawn(
    job: ReportJob, experiments: list[ExperimentData], cores: int
) -> tuple[list[Section], Shown, list[Shown]]:
    """Return the section of each experiment, what is shown over all of them, and the paper's tables."""

    def over_all() -> tuple[Shown, list[Shown]]:
        whole = show(StudyData(experiments, job.whole, job.claims))
        return whole, [show(PaperData(table, experiments, job.of_paper)) for table in job.paper_tables]

    if cores == 1:  # what is computed for the sections is there for what is shown over all of them
        return [build(data) for data in experiments], *over_all()
    large_first = sorted(experiments, key=lambda data: -len(data.runs))
    works: list[Callable[[], Any]] = [over_all, *(partial(build, data) for data in large_first)]
    (whole, paper), *built = side_by_side(works, cores)
    sections = {section.name: section for section in built}
    return [sections[data.name] for data in experiments], whole, paper


def _experiments(job: ReportJob, tables: StudyTables, gathered: Gathered) -> list[ExperimentData]:
    """Return the data of each experiment that has results."""
    return [
        choose(
            experiment,
            Tables(tables, experiment.name),
            job.sections[experiment.name],
            gathered,
            job.cards,
            printed=job.printed.get(experiment.name, ()),
            averages=job.averages.get(experiment.name, ()),
            forgotten=job.forgotten[experiment.name],
            origins=job.origins.get(experiment.name, ()),
            notes=job.notes.get(experiment.name, ()),
        )
        for experiment in job.study.experiments
        if experiment.name in tables.experiments
    ]
