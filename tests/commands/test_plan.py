"""plan tells what would run and why, and the disk it takes."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reunlearn.commands import inspection
from reunlearn.commands import plan as command
from reunlearn.commands.plan import StageLine
from reunlearn.storage.dvc_files import write_outputs
from reunlearn.study.plan import Plan
from reunlearn.study.stages import STAGES
from tests.commands.made import STUDY, measured, one


def would_run() -> dict[str, list[str]]:
    return {job.folder: list(job.why) for job in command.describe(STUDY).states if job.would_run}


def stages() -> dict[str, StageLine]:
    return {line.stage: line for line in command.describe(STUDY).stages}


def test_finished_study_has_nothing_to_run(plan: Plan) -> None:
    assert would_run() == {}


def test_missing_attack_moves_the_tail_only(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    attack = measured(plan, "entropy_logistic")
    shutil.rmtree(attack)
    results, report, track = (one(plan, stage) for stage in ("aggregate", "report", "track"))
    found = would_run()
    assert found.keys() == {attack, results, report, track}
    assert found[attack] == ["never made"]
    assert found[results] == [f"{attack} would run"]
    assert command.run(STUDY, why=True) == 0
    assert f"measure {attack}\n    never made" in capsys.readouterr().out


def test_code_edit_moves_the_job_and_all_that_follows(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    before = inspection.job_digest
    edited = "reunlearn.unlearning.methods.finetune"
    monkeypatch.setattr(inspection, "job_digest", lambda s, m: "edited" if edited in m else before(s, m))
    unlearned = one(plan, "unlearn", "/finetune~")
    found = would_run()
    tail = {one(plan, stage) for stage in ("aggregate", "report", "track")}
    assert found.keys() == {f for f in plan.jobs if f.startswith(unlearned)} | tail
    assert found[unlearned][0].startswith("stale: code changed")


def test_weights_left_out_are_made_again_where_they_are_needed(plan: Plan) -> None:
    unlearned = one(plan, "unlearn", "/finetune~")
    Path(".dvcignore").write_text("/runs/**/unlearned/**/model.safetensors\n")
    write_outputs(Path("runs.dvc"), {unlearned: {"md5": "0.dir", "path": unlearned}})
    Path(unlearned, "model.safetensors").unlink()
    assert would_run() == {}
    Path(measured(plan, "evaluation"), "manifest.json").unlink()
    assert {f for f in would_run() if "/runs/" in f"/{f}"} == {
        f for f in plan.jobs if f.startswith(unlearned)
    }


def test_disk_is_measured_and_what_is_missing_estimated(plan: Plan) -> None:
    attack = measured(plan, "entropy_logistic")
    whole = stages()
    shutil.rmtree(attack)
    shutil.rmtree(one(plan, "report"))
    left = stages()
    others = [job.folder for job in plan.of_stage("measure") if job.folder != attack]
    expected = sum(p.stat().st_size for f in others for p in Path(f).iterdir())
    assert left["measure"].bytes == expected
    assert left["measure"].bytes_to_come == round(expected / len(others))
    assert left["measure"].missing == 1
    assert left["report"].bytes_to_come is None  # nothing to estimate from
    assert whole["measure"].bytes_to_come == 0
    assert whole["original"].bytes > 1000


def test_snapshot_size_follows_the_choice_of_weights(plan: Plan) -> None:
    assert stages()["unlearn"].bytes_in_snapshot == stages()["unlearn"].bytes
    Path(".dvcignore").write_text("/runs/**/unlearned/**/model.safetensors\n")
    assert stages()["unlearn"].bytes_in_snapshot == stages()["unlearn"].bytes - 2 * 1000


def test_narrowed_plan_is_smaller(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    command.run(STUDY, methods=["finetune"], json=True)
    assert json.loads(capsys.readouterr().out)["runs"] == len(plan.runs) - 1


def test_stages_stand_in_the_order_of_the_table(plan: Plan) -> None:
    there = [stage for stage in STAGES if plan.of_stage(stage)]
    assert list(stages()) == there and {"measure", "unlearn", "track"} <= set(there)


def test_planning_writes_nothing(plan: Plan) -> None:
    Path(one(plan, "original"), "specification.json").unlink()
    before = {p: p.stat().st_mtime_ns for p in Path().rglob("*")}
    assert command.run(STUDY, why=True) == 0
    assert command.run(STUDY, methods=["finetune"], json=True) == 0
    assert {p: p.stat().st_mtime_ns for p in Path().rglob("*")} == before


def test_the_commands_import_no_torch() -> None:
    modules = ", ".join(
        f"reunlearn.commands.{n}" for n in ("plan", "verify", "show", "gc", "restore", "snapshot")
    )
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'dvc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def waiting(stage: str, jobs: int, memory_mib: int) -> StageLine:
    """Return a stage of which so many jobs would run."""
    return StageLine(stage, jobs, 0, jobs, 0, 0, None, 0, None, 0, 0, memory_mib)


def test_a_stage_that_takes_more_memory_than_is_free_is_one_line() -> None:
    stages = [waiting("sample", 2, 900), waiting("original", 0, 9000)]
    assert command.short_memory(stages, 900) == ()
    (said,) = command.short_memory(stages, 899)
    assert said.startswith(
        "a job of stage 'sample' is expected to take 900 MiB of memory, and 899 MiB are free here; "
    )
