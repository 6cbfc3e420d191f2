"""A study, expanded into jobs: each one folder, each with its fully resolved specification.

Nothing here imports torch; planning the largest study takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.base.files import write_text
from reunlearn.base.hashing import short_digest
from reunlearn.study import methods, paths
from reunlearn.study.cards import Catalogue
from reunlearn.study.catalogue import catalogue
from reunlearn.study.expand import Expansion
from reunlearn.study.inputs import AggregateInputs, Folder, ReportInputs
from reunlearn.study.jobs import AggregateJob, Job, ReportJob, TrackJob
from reunlearn.study.joining import meet, ours_of
from reunlearn.study.layout import Layout, layout_of
from reunlearn.study.load import load_study
from reunlearn.study.meetings import Meeting
from reunlearn.study.papers import papers, read_paper
from reunlearn.study.provenance import origins_of
from reunlearn.study.reported import read_reported
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.specs import RunSpec
from reunlearn.study.steps import per_step

LONGEST = 60  # characters of what a plan was narrowed to; more are a digest


@dataclass
class Plan:
    """All jobs of a study, by folder, in an order in which they can be made.

    Attributes:
        study: with one experiment per step.
        name: of its report and results: the study's, and what a narrowed plan was narrowed to.
        jobs: by folder.
        runs: in the order of the tables.
    """

    study: Study
    name: str
    jobs: dict[Folder, Job] = field(default_factory=dict)
    runs: list[RunSpec] = field(default_factory=list)

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


def make_plan(name: str, only_methods: list[str] | None = None, only_seeds: list[int] | None = None) -> Plan:
    """Expand the study NAME; narrowed to some methods or seeds if asked."""
    study, cards = load_study(name), catalogue()
    steps = [step for experiment in study.experiments for step in per_step(experiment)]
    study = study.model_copy(update={"experiments": tuple(steps)})
    experiments = _narrow(study, only_methods, only_seeds)
    if experiments == steps:
        plan = Plan(study, study.name)
    else:
        words = _narrowed_to(only_methods, only_seeds)
        title = f"{study.title} (only {', '.join(words)})"
        plan = Plan(study.model_copy(update={"title": title}), _narrowed_name(study.name, words))
    for experiment in experiments:
        where = f"study '{name}', experiment '{experiment.name}'"
        plan.runs += Expansion(plan.add, experiment, cards, where).runs()
    _add_tail(plan, cards)
    return plan


def _narrow(study: Study, only_methods: list[str] | None, only_seeds: list[int] | None) -> list[Experiment]:
    """Return the experiments with fewer methods or seeds; names that fit nothing are refused."""
    if only_methods:
        known = {n for e in study.experiments for m in e.methods for n in (m.name, methods.row_of(m).name)}
        for wanted in only_methods:
            if wanted not in known:
                raise UserError(f"study '{study.name}' has no method '{wanted}'; {near(wanted, known)}")
    if only_seeds is not None:
        known_seeds = {s.train for e in study.experiments for s in e.seeds}
        for seed in only_seeds:
            if seed not in known_seeds:
                raise UserError(f"study '{study.name}' has no seed {seed}; known: {sorted(known_seeds)}")
    narrowed = []
    for e in study.experiments:
        entries = [
            m for m in e.methods if not only_methods or {m.name, methods.row_of(m).name} & set(only_methods)
        ]
        seeds = [s for s in e.seeds if only_seeds is None or s.train in only_seeds]
        if entries and seeds:
            narrowed.append(e.model_copy(update={"methods": tuple(entries), "seeds": tuple(seeds)}))
    if not narrowed:
        raise UserError(f"study '{study.name}': nothing is left of it")
    return narrowed


def _narrowed_to(only_methods: list[str] | None, only_seeds: list[int] | None) -> list[str]:
    """Return what a narrowed study still has, in words."""
    return [*dict.fromkeys(only_methods or ()), *dict.fromkeys(f"seed {seed}" for seed in only_seeds or ())]


def _narrowed_name(study: str, words: list[str]) -> str:
    """Return a name of its own for a narrowed study, so that its report never takes the place of the full one."""
    kept = "+".join(words).replace(" ", "")
    return f"{study}~{kept if len(kept) <= LONGEST else short_digest(words)}"


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
    layouts = (whole, *sections.values())
    shown = dict.fromkeys(name for layout in layouts for name in layout.modules)
    return ReportJob(
        "report",
        paths.report(plan.name),
        study,
        cards_of(plan.runs, layouts, cards),
        whole,
        sections,
        {e.name: _printed(e, study.name, cards) for e in study.experiments if e.reported},
        {e.name: e.scenario.summary for e in study.experiments},
        read_paper(study.paper, cards).claims if study.paper else (),
        {e.name: origins_of(e, f"study '{study.name}', experiment '{e.name}'") for e in study.experiments},
        modules=("reunlearn.stages.report", *shown),
        inputs=ReportInputs(results=results),
    )


def _printed(experiment: Experiment, study: str, cards: Catalogue) -> list[Meeting]:
    """Return the printed numbers that an experiment names, each with the row that it meets."""
    assert experiment.reported is not None
    where = f"study '{study}', experiment '{experiment.name}'"
    cells = read_reported(experiment.reported, where)
    return meet(ours_of(experiment, cards, where), cells, papers(cards))


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
    runs = list(runs)
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
