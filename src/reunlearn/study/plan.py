"""A study, expanded into jobs: each one folder, each with its fully resolved specification.

Nothing here imports torch; planning the largest study takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.base.files import write_text
from reunlearn.study import paths
from reunlearn.study.cards import Catalogue
from reunlearn.study.catalogue import catalogue
from reunlearn.study.expand import Expansion
from reunlearn.study.given_originals import with_one_original
from reunlearn.study.inputs import AggregateInputs, Folder, ReportInputs
from reunlearn.study.jobs import Job
from reunlearn.study.layout import Layout, layout_of
from reunlearn.study.load import load_study
from reunlearn.study.logs import check_experiment
from reunlearn.study.narrowing import check_parts, narrowed
from reunlearn.study.needed_files import missing_files, words
from reunlearn.study.own_networks import with_own_networks
from reunlearn.study.paper_columns import with_columns
from reunlearn.study.provenance import origins_of
from reunlearn.study.report_jobs import AggregateJob, ReportJob, TrackJob
from reunlearn.study.reproduced import reproduced_by
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.specs import RunSpec
from reunlearn.study.steps import per_step, without_idle_splits


@dataclass
class Plan:
    """All jobs of a study, by folder, in an order in which they can be made.

    Attributes:
        study: with one experiment per step.
        name: of its report and results: the study's, and what a narrowed plan was narrowed to.
        jobs: by folder.
        runs: in the order of the tables.
        missing: of each experiment that could not be run, the files that are not there; see `needed_files`.
        notes: of each experiment on a model of the user's, what is to be said of it.
    """

    study: Study
    name: str
    jobs: dict[Folder, Job] = field(default_factory=dict)
    runs: list[RunSpec] = field(default_factory=list)
    missing: dict[str, list[str]] = field(default_factory=dict)
    notes: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, job: Job) -> Folder:
        """Add a job once; two specifications on one path are refused."""
        known = self.jobs.setdefault(job.folder, job)
        if known is not job and known != job:
            raise UserError(f"two different specifications lead to {job.folder}")
        return job.folder

    def of_stage(self, *stages: str) -> list[Job]:
        """Return the jobs of some stages."""
        return [job for job in self.jobs.values() if job.stage in stages]


def write_specifications(jobs: Iterable[Job]) -> None:
    """Write each job's specification beside its outputs; a file that is right already is left alone."""
    for job in jobs:
        path = Path(job.folder) / paths.SPECIFICATION
        text = json.dumps(job.document(), indent=1) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            write_text(path, text)


@dataclass(frozen=True)
class Plans:
    """Studies that are run together: what several of them need is one job.

    Attributes:
        each: the plan of each study.
        jobs: of all of them, by folder, in an order in which they can be made.
    """

    each: tuple[Plan, ...]
    jobs: dict[Folder, Job]

    @property
    def name(self) -> str:
        """The names of the reports, with commas."""
        return ",".join(plan.name for plan in self.each)

    @property
    def notes(self) -> list[str]:
        """What is to be said of models of the user's, each line once."""
        lines = (line for plan in self.each for of in plan.notes.values() for line in of)
        return list(dict.fromkeys(lines))

    @property
    def missing_files(self) -> list[str]:
        """A line per file that is missing and that nobody can fetch, and what to do."""
        return [line for plan in self.each if plan.missing for line in words(plan.study.name, plan.missing)]


def make_plan(name: str, only_methods: list[str] | None = None, only_seeds: list[int] | None = None) -> Plan:
    """Expand the study NAME; narrowed to some methods or seeds if asked."""
    return make_plans([name], only_methods, only_seeds).each[0]


def make_plans(
    names: Sequence[str], only_methods: list[str] | None = None, only_seeds: list[int] | None = None
) -> Plans:
    """Expand some studies; narrowed to some methods or seeds if asked: a study that has none of them is left out.

    Raises:
        UserError: a study cannot be planned, none has a method or a seed, nothing is left, or two studies mean
            different things by one folder.
    """
    cards = catalogue()
    studies = [_checked(load_study(name), cards) for name in names]
    check_parts(studies, only_methods, only_seeds)
    left = [found for study in studies if (found := narrowed(study, only_methods, only_seeds))]
    if not left:
        raise UserError(f"study '{', '.join(names)}': nothing is left of it")
    plans = tuple(_expanded(study, name, cards) for study, name in left)
    return Plans(plans, _together(plans))


def _checked(study: Study, cards: Catalogue) -> Study:
    """Return a study with one experiment per step; what its experiments log is checked before it is narrowed."""
    planned: list[Experiment] = []
    for experiment in study.experiments:
        where = f"study '{study.name}', experiment '{experiment.name}'"
        check_experiment(experiment, cards.methods, where)
        try:
            planned += per_step(with_one_original(without_idle_splits(experiment)))
        except ValueError as error:
            raise UserError(f"{where}: seeds: {error}") from None
    return study.model_copy(update={"experiments": tuple(planned)})


def _expanded(study: Study, name: str, cards: Catalogue) -> Plan:
    plan = Plan(study, name)
    for experiment in study.experiments:
        where = f"study '{study.name}', experiment '{experiment.name}'"
        known = with_own_networks([experiment], cards, where)
        expansion = Expansion(plan.add, experiment, known, where)
        plan.runs += expansion.runs()
        if notes := expansion.given.notes:
            plan.notes[experiment.name] = notes
        if lines := missing_files(experiment, known, expansion.training, plan.jobs.values()):
            plan.missing[experiment.name] = lines
    _add_tail(plan, cards)
    return plan


def _together(plans: Sequence[Plan]) -> dict[Folder, Job]:
    """Return the jobs of several plans, each once."""
    if len(plans) == 1:
        return plans[0].jobs
    jobs: dict[Folder, Job] = {}
    for plan in plans:
        for folder, job in plan.jobs.items():
            if jobs.setdefault(folder, job) != job:
                raise UserError(
                    f"study '{plan.name}' means something else by {folder} than a study before it"
                )
    return jobs


def _add_tail(plan: Plan, cards: Catalogue) -> None:
    """Add aggregate, report and track."""
    study = plan.study
    results = plan.add(aggregate_job(plan, plan.name, paths.results(plan.name)))
    report = plan.add(report_job(plan, cards, results))
    plan.add(
        TrackJob(
            "track",
            paths.tracking(plan.name),
            plan.name,
            study.title,
            study.description,
            modules=("reunlearn.stages.track",),
            inputs=ReportInputs(results=results, report=report),
        )
    )


def report_job(plan: Plan, cards: Catalogue, results: Folder) -> ReportJob:
    """Return the report; its code is the stage's, and that of the tables and figures that it shows."""
    study = plan.study
    whole = layout_of(study, cards, f"study '{study.name}'")
    sections = {
        e.name: layout_of(e, cards, f"study '{study.name}', experiment '{e.name}'") for e in study.experiments
    }
    reproduced = reproduced_by(study, cards)
    layouts = (whole, *sections.values(), reproduced.layout)
    shown = dict.fromkeys(name for layout in layouts for name in layout.modules)
    return ReportJob(
        "report",
        paths.report(plan.name),
        study,
        cards_of(plan.runs, layouts, cards),
        whole,
        sections,
        reproduced.printed,
        reproduced.averages,
        {e.name: e.scenario.summary for e in study.experiments},
        of_paper=reproduced.layout,
        paper_tables=reproduced.tables,
        claims=reproduced.claims,
        origins={
            e.name: origins_of(e, f"study '{study.name}', experiment '{e.name}'") for e in study.experiments
        },
        notes=plan.notes,
        modules=("reunlearn.stages.report", *shown),
        inputs=ReportInputs(results=results),
    )


def aggregate_job(plan: Plan, study: str, folder: Folder) -> AggregateJob:
    """Return the job that gathers the results of all jobs and runs planned so far."""
    return AggregateJob(
        "aggregate",
        folder,
        study,
        tuple(plan.runs),
        modules=("reunlearn.stages.aggregate",),
        inputs=AggregateInputs(
            jobs=tuple(plan.jobs),
            measured=tuple(dict.fromkeys(f for run in plan.runs for f in run.measured.values())),
        ),
    )


def cards_of(runs: Iterable[RunSpec], layouts: Iterable[Layout], cards: Catalogue) -> Catalogue:
    """Return the cards of what some runs used and of what some layouts show: all that a report prints of plugins."""
    runs, cards = list(runs), with_columns(cards)
    methods_used = {run.method.name for run in runs if run.method}
    measures = {name for run in runs for name in run.measured}
    datasets = {run.training.dataset.name for run in runs}
    layouts = list(layouts)
    tables = {name for layout in layouts for name in layout.tables}
    figures = {name for layout in layouts for name in layout.figures}
    return Catalogue(
        methods={name: card for name, card in cards.methods.items() if name in methods_used},
        measures={name: card for name, card in cards.measures.items() if name in measures},
        datasets={name: card for name, card in cards.datasets.items() if name in datasets},
        models={},
        objectives={},
        states={},
        tables={name: card for name, card in cards.tables.items() if name in tables},
        figures={name: card for name, card in cards.figures.items() if name in figures},
    )
