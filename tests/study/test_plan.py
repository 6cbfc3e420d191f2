"""The plan: paths, specifications, narrowing; and that it needs no torch."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.hashing import short_digest
from reunlearn.study import paths
from reunlearn.study.expand import Expansion
from reunlearn.study.plan import Plan, make_plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan("quickstart")


def test_every_folder_fits_the_pattern_of_its_stage_only(plan: Plan) -> None:
    for job in plan.jobs.values():
        fitting = [s for s, pattern in paths.PATTERNS.items() if re.fullmatch(pattern, job.folder)]
        assert fitting == [job.stage], job.folder


def test_inputs_are_planned_before_they_are_used(plan: Plan) -> None:
    seen: set[str] = set()
    for job in plan.jobs.values():
        if job.stage in ("attack", "compare"):  # its reference is another row of the same seed
            seen.add(job.folder)
            continue
        assert set(job.input_folders) <= seen | {job.folder}, job.folder
        seen.add(job.folder)


def test_settings_are_in_the_path(plan: Plan) -> None:
    rows = [job for job in plan.of_stage("unlearn") if "/finetune~" in job.folder]
    for job in rows:
        assert f"~{short_digest(job.specification['method'])}/" in job.folder


def test_narrowing_keeps_the_paths(plan: Plan) -> None:
    narrow = make_plan("quickstart", ["finetune"], [1])
    kept = {f for f, job in narrow.jobs.items() if job.stage not in {"aggregate", "report", "track"}}
    assert kept < set(plan.jobs)
    assert {job.specification["method"]["name"] for job in narrow.of_stage("unlearn")} == {"finetune"}


def test_narrowing_to_what_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match="no method 'salum'; did you mean salun"):
        make_plan("quickstart", ["salum"])
    with pytest.raises(UserError, match="no seed 99"):
        make_plan("quickstart", None, [99])


def test_planning_imports_neither_torch_nor_numpy() -> None:
    program = (
        "import sys; from reunlearn.study.plan import make_plan; from reunlearn.artifacts.digest import job_digest;"
        "plan = make_plan('quickstart'); [job_digest(j.stage, j.modules) for j in plan.jobs.values()];"
        "print(sorted({'torch', 'numpy', 'sklearn', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_relearning_is_planned_only_where_a_study_asks_for_it(plan: Plan) -> None:
    assert not plan.of_stage("relearn")
    (experiment, *_) = plan.study.experiments
    asking = Plan(plan.study)
    Expansion(asking, experiment.model_copy(update={"relearn": 3})).run()
    jobs = asking.of_stage("relearn")
    assert len(jobs) == len(asking.rows)
    targets = {job.inputs["target"] for job in jobs}
    assert targets == {row["evaluation"] for row in asking.rows if row["name"] == "original"}
    same = {f: j.document for f, j in asking.jobs.items() if j.stage != "relearn"}
    assert same == {f: plan.jobs[f].document for f in same}
