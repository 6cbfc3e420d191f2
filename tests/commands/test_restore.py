"""restore sets aside what fails and names it; what is sound stays. The real Snakemake is asked in tests/workflow."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.commands import restore
from reunlearn.commands.inspection import State
from reunlearn.study.plan import Plan
from tests.commands.made import STUDY, measured, one


@pytest.fixture
def touched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The folders that Snakemake would be told of."""
    folders: list[str] = []

    def touch(plan: Plan, sound: list[State], profile: str) -> None:
        folders.extend(state.job.folder for state in sound)

    monkeypatch.setattr(restore, "_touch", touch)
    return folders


def test_a_sound_study_is_trusted_whole(plan: Plan, touched: list[str]) -> None:
    restored = restore.restore(plan, pull=False)
    assert (restored.restored, restored.to_run, restored.set_aside) == (len(plan.jobs), 0, {})
    assert set(touched) == set(plan.jobs) and restored.place is None


def test_what_was_tampered_with_is_set_aside_with_all_its_outputs(plan: Plan, touched: list[str]) -> None:
    folder = measured(plan, "evaluation")
    Path(folder, "numbers.json").write_text("{}")
    restored = restore.restore(plan, pull=False)
    assert restored.set_aside == {folder: ["changed: numbers.json"]}
    assert sorted(p.name for p in Path(folder).iterdir()) == ["specification.json"]
    assert Path(str(restored.place), folder, "numbers.json").read_text() == "{}"
    assert Path(str(restored.place), folder, "manifest.json").exists()
    assert folder not in touched and one(plan, "unlearn", "/finetune~") in touched
    assert restored.to_run == len(plan.jobs) - len(touched)


def test_changed_data_are_set_aside_with_their_preparation(plan: Plan, touched: list[str]) -> None:
    Path("data/digits/x.npy").write_bytes(b"y")
    restored = restore.restore(plan, pull=False)
    assert restored.set_aside == {one(plan, "prepare"): ["changed: data/digits/x.npy"]}
    assert Path(str(restored.place), "data/digits/x.npy").read_bytes() == b"y"
    assert not Path("data/digits").exists() and touched == []


def test_the_exit_code_says_whether_something_was_set_aside(
    plan: Plan, touched: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert restore.run(STUDY, pull=False) == 0
    Path(one(plan, "original"), "model.safetensors").write_bytes(b"")
    assert restore.run(STUDY, pull=False) == 1
    assert f"set aside {one(plan, 'original')}: changed: model.safetensors" in capsys.readouterr().out
