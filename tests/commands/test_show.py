"""show finds a run by its folder or a part of its name, and says how to make it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reunlearn.artifacts.record import Git, Record
from reunlearn.base.errors import UserError
from reunlearn.commands import show
from reunlearn.study import paths
from reunlearn.study.plan import Plan
from tests.commands.made import SMALL, STUDY, one, write_study


def test_run_is_found_by_folder_file_and_part_of_its_name(plan: Plan) -> None:
    folder = one(plan, "unlearn", "/finetune~")
    part = folder.split("/")[-2]
    for name in (
        folder,
        f"{folder}/",
        f"{folder}/record.json",
        str(Path(folder).absolute()),
        part,
        "finetune",
    ):
        assert show.find(name, [plan]) == folder


def test_unknown_and_ambiguous_names_are_one_line(plan: Plan) -> None:
    with pytest.raises(UserError, match="no run is called 'nothing'"):
        show.find("nothing", [plan])
    with pytest.raises(UserError, match="runs fit 'unlearned'"):
        show.find("unlearned", [plan])


def test_finished_run(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    folder = one(plan, "unlearn", "/finetune~")
    log = paths.log(folder)
    log.parent.mkdir(parents=True)
    log.write_text("".join(f"line {n}\n" for n in range(100)))
    assert show.run(folder, json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["state"] == "done"
    assert found["studies"] == [STUDY]
    assert found["log_tail"][-1] == "line 99" and len(found["log_tail"]) == show.TAIL
    assert found["command"] == f"reunlearn unlearn {folder}/specification.json"
    assert found["specification"] == plan.jobs[folder].document()
    assert show.run(folder) == 0
    assert "line 99" in capsys.readouterr().out


def test_damage_and_what_moves_a_run_are_told(plan: Plan) -> None:
    original, folder = one(plan, "original"), one(plan, "unlearn", "/finetune~")
    Path(original, "model.safetensors").write_bytes(b"")
    shown = show.describe(original)
    assert (shown.state, shown.why) == ("changed", ("changed: model.safetensors",))
    shown = show.describe(folder)
    assert (shown.state, shown.why) == ("would run", (f"{original} would run",))


def test_run_of_no_study(plan: Plan) -> None:
    folder = one(plan, "unlearn", "/finetune~")
    write_study({**SMALL, "methods": ["gradient_ascent"]})
    shown = show.describe(folder)
    assert (shown.state, shown.studies) == ("in no study", ())
    assert shown.command == f"reunlearn unlearn {folder}/specification.json"


def test_how_a_run_was_computed_is_told() -> None:
    record = Record(
        seconds={},
        peak_memory_mib=None,
        device="cuda:0",
        processor="a",
        threads=1,
        versions={},
        git=Git(commit=None, dirty=None),
        host="b",
        finished="now",
        command=[],
        precision="mixed",
        engine="eager",
        engine_reason="batches differ in length",
        deterministic=False,
        gpu_jobs=2,
    )
    words = (
        "mixed precision; engine eager; not deterministic; up to 2 jobs on the GPU (batches differ in length)"
    )
    assert show._made(record)[1] == f"  computed {words}"
    plain = record.model_copy(
        update=dict.fromkeys(("precision", "engine", "engine_reason", "deterministic", "gpu_jobs"))
    )
    assert not any("computed" in line for line in show._made(plain))
