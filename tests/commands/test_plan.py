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
from reunlearn.storage.dvc_files import write_outputs
from reunlearn.study.plan import Plan
from tests.commands.made import STUDY, one


def would_run() -> dict[str, list[str]]:
    return {job["folder"]: job["why"] for job in command.describe(STUDY)["jobs"] if job["would_run"]}


def test_finished_study_has_nothing_to_run(plan: Plan) -> None:
    assert would_run() == {}


def test_missing_attack_moves_the_tail_only(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    attack = one(plan, "attack", "/finetune~")
    shutil.rmtree(attack)
    results, report, track = (one(plan, stage) for stage in ("aggregate", "report", "track"))
    found = would_run()
    assert found.keys() == {attack, results, report, track}
    assert found[attack] == ["never made"]
    assert found[results] == [f"{attack} would run"]
    assert command.run(STUDY, why=True) == 0
    assert f"attack {attack}\n    never made" in capsys.readouterr().out


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
    Path(unlearned, "evaluation", "manifest.json").unlink()
    assert {f for f in would_run() if "/runs/" in f"/{f}"} == {
        f for f in plan.jobs if f.startswith(unlearned)
    }


def test_disk_is_measured_and_what_is_missing_estimated(plan: Plan) -> None:
    attack = one(plan, "attack", "/finetune~")
    whole = {s["stage"]: s for s in command.describe(STUDY)["stages"]}
    shutil.rmtree(attack)
    shutil.rmtree(one(plan, "report"))
    stages = {s["stage"]: s for s in command.describe(STUDY)["stages"]}
    of_attacks = [f for f in plan.jobs if "/attacks/" in f and f != attack]
    expected = sum(p.stat().st_size for f in of_attacks for p in Path(f).iterdir())
    assert stages["attack"]["bytes"] == expected
    assert stages["attack"]["bytes_to_come"] == round(expected / len(of_attacks))
    assert stages["attack"]["missing"] == 1
    assert stages["report"]["bytes_to_come"] is None  # nothing to estimate from
    assert whole["attack"]["bytes_to_come"] == 0
    assert whole["original"]["bytes"] > 1000


def test_snapshot_size_follows_the_choice_of_weights(plan: Plan) -> None:
    def unlearned() -> dict:
        return next(s for s in command.describe(STUDY)["stages"] if s["stage"] == "unlearn")

    assert unlearned()["bytes_in_snapshot"] == unlearned()["bytes"]
    Path(".dvcignore").write_text("/runs/**/unlearned/**/model.safetensors\n")
    assert unlearned()["bytes_in_snapshot"] == unlearned()["bytes"] - 2 * 1000


def test_narrowed_plan_is_smaller(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    command.run(STUDY, methods=["finetune"], json=True)
    assert json.loads(capsys.readouterr().out)["runs"] == len(plan.rows) - 1


def test_the_commands_import_no_torch() -> None:
    modules = ", ".join(
        f"reunlearn.commands.{n}" for n in ("plan", "verify", "show", "gc", "restore", "snapshot")
    )
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules or 'dvc' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
