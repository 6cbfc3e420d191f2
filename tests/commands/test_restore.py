"""restore sets aside what fails and names it; what is sound stays."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.commands import restore
from reunlearn.study.plan import Plan
from tests.commands.made import STUDY, measured, one


def test_a_sound_study_is_trusted_whole(plan: Plan) -> None:
    restored = restore.restore(plan, pull=False)
    assert (restored.restored, restored.to_run, restored.set_aside) == (len(plan.jobs), 0, {})
    assert restored.place is None


def test_what_was_tampered_with_is_set_aside_with_all_its_outputs(plan: Plan) -> None:
    folder = measured(plan, "evaluation")
    Path(folder, "numbers.json").write_text("{}")
    restored = restore.restore(plan, pull=False)
    assert restored.set_aside == {folder: ["changed: numbers.json"]}
    assert sorted(p.name for p in Path(folder).iterdir()) == ["specification.json"]
    assert Path(str(restored.place), folder, "numbers.json").read_text() == "{}"
    assert Path(str(restored.place), folder, "manifest.json").exists()
    row = {measured(plan, "comparison"), measured(plan, "entropy_logistic")}
    assert restored.to_run == 1 + len(row) + 3, "what reads it, and the tail"
    assert restored.restored == len(plan.jobs) - restored.to_run


def test_changed_data_are_set_aside_with_their_preparation(plan: Plan) -> None:
    Path("data/digits/x.npy").write_bytes(b"y")
    restored = restore.restore(plan, pull=False)
    assert restored.set_aside == {one(plan, "prepare"): ["changed: data/digits/x.npy"]}
    assert Path(str(restored.place), "data/digits/x.npy").read_bytes() == b"y"
    assert not Path("data/digits").exists() and restored.restored == 0


def test_the_exit_code_says_whether_something_was_set_aside(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore.run(STUDY, pull=False) == 0
    Path(one(plan, "original"), "model.safetensors").write_bytes(b"")
    assert restore.run(STUDY, pull=False) == 1
    assert f"set aside {one(plan, 'original')}: changed: model.safetensors" in capsys.readouterr().out


def test_restoring_nothing_is_an_error_that_says_why(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree("runs")
    shutil.rmtree("reports")
    assert restore.run(STUDY) == 1
    assert "no snapshot of it: runs.dvc names none of its folders" in capsys.readouterr().out
    with pytest.raises(UserError, match="nothing to restore"):
        restore.run()
