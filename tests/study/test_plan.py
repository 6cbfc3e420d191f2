"""The plan: paths, specifications, narrowing; and that it needs no torch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import short_digest
from reunlearn.study.catalogue import catalogue
from reunlearn.study.expand import Expansion
from reunlearn.study.jobs import MeasureJob, UnlearnJob
from reunlearn.study.plan import Plan, make_plan
from reunlearn.study.schema import Measure
from reunlearn.study.specs import ORIGINAL


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan("quickstart")


def test_inputs_are_planned_before_they_are_used(plan: Plan) -> None:
    seen: set[str] = set()
    for job in plan.jobs.values():
        waited_for = set(job.inputs.folders())
        if isinstance(job, MeasureJob):  # its reference and its original are other rows of the same seeds
            waited_for -= {job.inputs.reference, job.inputs.original}
            waited_for -= {job.inputs.outputs}  # a measure that a study names may stand before the evaluation
        assert waited_for <= seen, job.folder
        seen.add(job.folder)


def test_settings_are_in_the_path(plan: Plan) -> None:
    jobs = [job for job in plan.jobs.values() if isinstance(job, UnlearnJob)]
    assert jobs
    for job in jobs:
        assert f"~{short_digest(job.method.model_dump(mode='json'))}/" in job.folder


def test_narrowing_keeps_the_paths(plan: Plan) -> None:
    narrow = make_plan("quickstart", ["finetune"], [1])
    kept = {f for f, job in narrow.jobs.items() if job.stage not in {"aggregate", "report", "track"}}
    assert kept < set(plan.jobs)
    unlearned = [job for job in narrow.jobs.values() if isinstance(job, UnlearnJob)]
    assert {job.method.name for job in unlearned} == {"finetune"}


def test_narrowing_to_what_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="no method 'salum'; did you mean salun"):
        make_plan("quickstart", ["salum"])
    with pytest.raises(UserError, match="no seed 99"):
        make_plan("quickstart", None, [99])


def test_planning_imports_no_torch() -> None:
    program = (
        "import sys; from reunlearn.study.plan import make_plan; from reunlearn.artifacts.digest import job_digest;"
        "plan = make_plan('quickstart'); [job_digest(j.stage, j.modules) for j in plan.jobs.values()];"
        "print(sorted({'torch', 'sklearn', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_relearning_is_planned_only_where_a_study_asks_for_it(plan: Plan) -> None:
    assert not [folder for folder in plan.jobs if folder.endswith("/relearn_time")]
    (experiment, *_) = plan.study.experiments
    wanted = Measure(name="relearn_time", settings={"cap": 3})
    asking = Plan(plan.study, plan.name)
    change = {"measures": (*experiment.measures, wanted)}
    asking.runs += Expansion(asking.add, experiment.model_copy(update=change), catalogue(), "here").runs()
    jobs = [
        job
        for job in asking.jobs.values()
        if isinstance(job, MeasureJob) and job.measure.name == "relearn_time"
    ]
    assert len(jobs) == len(asking.runs)
    assert {job.measure.settings["cap"] for job in jobs} == {3}
    targets = {job.inputs.original for job in jobs}
    assert targets == {run.measured["evaluation"] for run in asking.runs if run.row == ORIGINAL}
    others = [job for job in asking.jobs.values() if job not in jobs]
    assert all(plan.jobs[job.folder].document() == job.document() for job in others)


def test_two_specifications_on_one_path_are_refused(plan: Plan) -> None:
    job = next(iter(plan.jobs.values()))
    twice = Plan(plan.study, plan.name)
    assert twice.add(job) == twice.add(replace(job)) == job.folder
    with pytest.raises(UserError, match="two different specifications lead to"):
        twice.add(replace(job, memory_mib=job.memory_mib + 1))
