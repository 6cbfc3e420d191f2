"""The table of stages: each folder fits one stage, and module, rule and command of a stage have its name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.cli import app
from reunlearn.commands.stage_commands import BY_HAND, stage_commands
from reunlearn.study import paths
from reunlearn.study.jobs import Job
from reunlearn.study.plan import write_specifications
from reunlearn.study.stages import STAGES, read_planned, stage_of
from tests.study.plans import STUDIES, audit_of, plan_of

RULES = Path("workflow/rules")
MODULES = Path("src/reunlearn/stages")


def fitting(folder: str) -> list[str]:
    """Return the stages whose folders look like this one."""
    return [name for name, stage in STAGES.items() if re.fullmatch(stage.folder, folder)]


@pytest.mark.parametrize("study", STUDIES)
def test_every_folder_fits_its_own_stage_only(study: str) -> None:
    jobs = plan_of(study).jobs.values()
    assert jobs
    for job in jobs:
        assert fitting(job.folder) == [job.stage], job.folder
        assert stage_of(job.folder).name == job.stage


def test_the_folders_of_an_audit_too(tmp_path: Path) -> None:
    jobs = audit_of(tmp_path).jobs.values()
    assert {job.stage for job in jobs} == {"prepare", "split", "given", "measure"}
    for job in jobs:
        assert fitting(job.folder) == [job.stage], job.folder


@pytest.mark.parametrize(
    "folder",
    [
        "runs",
        "runs/digits",
        "reports",
        "reports/quickstart/tables",
        "runs/digits/small_cnn-tiny/original/train0",
    ],
)
def test_control_other_folders_fit_none(folder: str) -> None:
    assert fitting(folder) == []
    with pytest.raises(KeyError, match="is the folder of no stage"):
        stage_of(folder)


def test_every_job_is_of_its_stage_s_type() -> None:
    for study in STUDIES:
        for job in plan_of(study).jobs.values():
            assert type(job) is STAGES[job.stage].job


def test_the_studies_have_every_stage_but_that_of_audits() -> None:
    planned = {job.stage for study in STUDIES for job in plan_of(study).jobs.values()}
    assert planned == set(STAGES) - {"given"}


def test_every_stage_has_its_module_and_every_module_that_runs_is_a_stage() -> None:
    """A module of stages/ with a function `run` is a stage; the others are shared by several."""
    running = {
        path.stem
        for path in MODULES.glob("*.py")
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name == "run"
    }
    assert running == set(STAGES)


def test_every_stage_has_its_rule_and_every_rule_its_stage() -> None:
    rules = []
    for path in RULES.glob("*.smk"):
        rules += re.findall(r"^(?:rule|use rule \w+ as) (\w+)", path.read_text(), flags=re.MULTILINE)
    assert sorted(rules) == sorted(STAGES)


def test_every_rule_runs_its_own_stage_in_its_own_folders() -> None:
    for path in RULES.glob("*.smk"):
        for part in re.split(r"^(?=rule |use rule )", path.read_text(), flags=re.MULTILINE)[1:]:
            (name,) = re.findall(r"^(?:rule|use rule \w+ as) (\w+)", part)
            named = re.findall(r'\bfolders\("(\w+)"', part) + re.findall(r'\bstage="(\w+)"', part)
            assert named == [name, name], f"{path}: rule {name} names {named}"


def test_every_stage_has_its_command() -> None:
    assert list(stage_commands()) == [name for name in STAGES if name != BY_HAND]
    assert BY_HAND in [c.callback.__name__ for c in app.registered_commands if c.callback]  # of users, too


def test_the_modules_of_a_job_begin_with_its_stage() -> None:
    for study in STUDIES:
        for job in plan_of(study).jobs.values():
            assert job.modules[0] == f"reunlearn.stages.{job.stage}"
            assert len(set(job.modules)) == len(job.modules), job.modules


def test_inputs_that_a_stage_ignores_are_inputs() -> None:
    for study in STUDIES:
        for job in plan_of(study).jobs.values():
            for role in STAGES[job.stage].ignores:
                assert getattr(job.inputs, role) in job.inputs.folders()


def write(folder: Path, text: str) -> str:
    (folder / paths.SPECIFICATION).write_text(text)
    return str(folder)


def test_a_specification_of_a_stage_that_does_not_exist_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no stage 'evaluate'; .*make dry-run") as caught:
        read_planned(write(tmp_path, '{"stage": "evaluate", "folder": "x"}'))
    assert "\n" not in str(caught.value)


def test_a_planned_job_is_read_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    jobs: list[Job] = list(plan_of("quickstart-heldout").jobs.values())
    write_specifications(jobs)
    assert [read_planned(job.folder) for job in jobs] == jobs
