"""A study, expanded into jobs: each one folder, each with its fully resolved specification.

Nothing here imports torch; planning the largest study takes seconds.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reunlearn.base.errors import UserError, near
from reunlearn.study import methods, paths
from reunlearn.study.expand import Expansion
from reunlearn.study.load import load_study
from reunlearn.study.reported import read_reported
from reunlearn.study.schema import Experiment, Study
from reunlearn.study.steps import per_step


@dataclass(frozen=True)
class Job:
    """One job: a stage, its folder, what it is told and what it reads."""

    stage: str
    folder: str
    specification: dict[str, Any]
    inputs: dict[str, str | list[str]]  # role → folder(s) of other jobs
    modules: tuple[str, ...]  # where its code starts: the stage and the plugins it names

    @property
    def input_folders(self) -> list[str]:
        """All folders it reads, in order."""
        return [f for v in self.inputs.values() for f in ([v] if isinstance(v, str) else v)]

    @property
    def document(self) -> dict[str, Any]:
        """The specification file's content."""
        return {
            "stage": self.stage,
            "folder": self.folder,
            "inputs": self.inputs,
            "modules": list(self.modules),
            **self.specification,
        }


@dataclass
class Plan:
    """All jobs of a study, by folder, in an order in which they can be made."""

    study: Study
    jobs: dict[str, Job] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)  # one per evaluated run

    def add(self, stage: str, folder: str, spec: dict, inputs: dict, plugins: tuple[str, ...] = ()) -> str:
        """Add a job once; two specifications on one path are refused."""
        modules = (f"reunlearn.stages.{stage}", *plugins)
        job = Job(stage, folder, spec, inputs, modules)
        known = self.jobs.setdefault(folder, job)
        if known.document != job.document:
            raise UserError(f"two different specifications lead to {folder}")
        return folder

    def of_stage(self, stage: str) -> list[Job]:
        """Return the jobs of one stage."""
        return [job for job in self.jobs.values() if job.stage == stage]


def write_specifications(plan: Plan) -> None:
    """Write each job's specification beside its outputs; a file that is right already is left alone."""
    for job in plan.jobs.values():
        path = Path(job.folder) / paths.SPECIFICATION
        text = json.dumps(job.document, indent=1, sort_keys=True) + "\n"
        if path.exists() and path.read_text() == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".tmp")
        partial.write_text(text)
        partial.replace(path)


def make_plan(name: str, only_methods: list[str] | None = None, only_seeds: list[int] | None = None) -> Plan:
    """Expand the study NAME; narrowed to some methods or seeds if asked."""
    study = load_study(name)
    steps = [step for experiment in study.experiments for step in per_step(experiment)]
    study = study.model_copy(update={"experiments": tuple(steps)})
    plan = Plan(study)
    for experiment in _narrow(study, only_methods, only_seeds):
        Expansion(plan, experiment).run()
    _add_tail(plan)
    return plan


def _narrow(study: Study, only_methods: list[str] | None, only_seeds: list[int] | None) -> list[Experiment]:
    """Return the experiments with fewer methods or seeds; names that fit nothing are refused."""
    if only_methods:
        known = {
            n for e in study.experiments for m in e.method_entries for n in (m.name, methods.row_name(m))
        }
        for wanted in only_methods:
            if wanted not in known:
                raise UserError(f"study '{study.name}' has no method '{wanted}'; {near(wanted, known)}")
    if only_seeds is not None:
        known_seeds = {s.train for e in study.experiments for s in e.seed_triples}
        for seed in only_seeds:
            if seed not in known_seeds:
                raise UserError(f"study '{study.name}' has no seed {seed}; known: {sorted(known_seeds)}")
    narrowed = []
    for e in study.experiments:
        entries = [
            m
            for m in e.method_entries
            if not only_methods or {m.name, methods.row_name(m)} & set(only_methods)
        ]
        seeds = [s for s in e.seed_triples if only_seeds is None or s.train in only_seeds]
        if entries and seeds:
            narrowed.append(e.model_copy(update={"methods": tuple(entries), "seeds": tuple(seeds)}))
    if not narrowed:
        raise UserError(f"study '{study.name}': nothing is left of it")
    return narrowed


def _add_tail(plan: Plan) -> None:
    """Add aggregate, report and track."""
    study = plan.study
    content = {"study": study.model_dump(mode="json"), "rows": plan.rows}
    folders = [f for job in plan.jobs.values() if job.stage != "aggregate" for f in [job.folder]]
    results = plan.add("aggregate", paths.results(study.name), content, {"jobs": folders})
    spec = {"study": study.name}
    printed = {
        e.name: read_reported(e.reported, f"study '{study.name}', experiment '{e.name}'")
        for e in study.experiments
        if e.reported
    }
    told = {**spec, "reported": printed}
    report = plan.add("report", paths.report(study.name), told, {"results": results})
    plan.add("track", paths.tracking(study.name), spec, {"results": results, "report": report})
