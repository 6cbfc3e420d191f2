"""gc removes what no study names and what killed jobs left behind, and nothing else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reunlearn.commands import gc, verify
from reunlearn.stages.execution import ABANDONED_SECONDS, WORK
from reunlearn.study import paths
from reunlearn.study.plan import Plan
from tests.commands.made import SMALL, STUDY, measured, one, write_study


def files() -> set[str]:
    return {p.as_posix() for p in Path().rglob("*") if p.is_file()}


def listed() -> set[str]:
    return {leftover.folder for leftover in gc.find()[0]}


def work_folder(folder: str, host: str | None = None, pid: int | None = None) -> Path:
    """Make a work folder with a file in it, of a process of a host; of this one if absent."""
    work = Path(folder) / f"{WORK}{host or socket.gethostname()}-{os.getpid() if pid is None else pid}"
    work.mkdir(parents=True)
    (work / "model.safetensors").write_bytes(b"x" * 10)
    return work


def ended_process() -> int:
    """Return the id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_nothing_to_remove(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    assert gc.find() == ([], [])
    assert gc.run() == 0
    assert capsys.readouterr().out == "nothing to remove\n"


def test_runs_of_no_study_go_with_their_logs(plan: Plan) -> None:
    unlearned = one(plan, "unlearn", "/finetune~")
    log = paths.log(measured(plan, "evaluation"))
    log.parent.mkdir(parents=True)
    log.write_text("x")
    write_study({**SMALL, "methods": ["gradient_ascent"]})
    before = files()
    expected = {f for f in before if f.startswith(f"{unlearned}/")} | {log.as_posix()}
    assert gc.run() == 0
    assert files() == before  # a list is only a list
    assert listed() == {f for f in plan.jobs if f.startswith(unlearned)}
    assert gc.run(yes=True) == 0
    assert before - files() == expected
    assert not Path(unlearned).exists()
    assert gc.find() == ([], [])


def test_a_measurement_that_is_no_longer_wanted_goes_alone(plan: Plan) -> None:
    write_study({**SMALL, "attacks": []})
    gc.run(yes=True)
    left = {p.parent.as_posix() for r in ("runs", "reports") for p in Path(r).rglob("specification.json")}
    assert left == {f for f in plan.jobs if not f.endswith("/measured/entropy_logistic")}
    assert len(left) < len(plan.jobs)


def test_data_committed_reports_and_other_runs_stay(plan: Plan) -> None:
    kept = Path("reports/reference/other/specification.json")
    kept.parent.mkdir(parents=True)
    kept.write_text("{}")
    other = Path("reports/gone/specification.json")
    other.parent.mkdir(parents=True)
    other.write_text("{}")
    before = files()
    gc.run(yes=True)
    assert before - files() == {other.as_posix()}
    assert verify.run(STUDY) == 0


def test_checkpoints_of_finished_and_unknown_jobs_go(plan: Plan) -> None:
    original, retrained = one(plan, "original"), one(plan, "retrained")
    Path(original, "manifest.json").unlink()
    places = [paths.checkpoint(folder) / "" / "weights" for folder in (original, retrained, "runs/unknown")]
    for place in places:
        place.parent.mkdir(parents=True)
        place.write_text("x")
    gc.run(yes=True)
    assert [place.exists() for place in places] == [True, False, False]


def test_work_folders_of_killed_jobs_go_wherever_they_are(plan: Plan) -> None:
    before = files()
    pid = ended_process()
    folders = (one(plan, "original"), measured(plan, "evaluation"), one(plan, "report"), "runs/elsewhere")
    killed = [work_folder(folder, pid=pid) for folder in folders]
    old = work_folder(folders[0], host="other", pid=1)
    os.utime(old, (time.time() - 2 * ABANDONED_SECONDS,) * 2)
    running = [work_folder(folders[0]), work_folder(folders[1], host="other", pid=2)]
    folders_that_go, _ = gc.find()
    assert {(w.kind, w.folder, w.bytes) for w in folders_that_go} == {
        ("work", work.as_posix(), 10) for work in (*killed, old)
    }
    gc.run(yes=True)
    assert files() - before == {f"{work.as_posix()}/model.safetensors" for work in running}
    assert before <= files()
    assert not Path("runs/elsewhere").exists()
    assert verify.run(STUDY) == 0


def test_a_run_in_which_a_job_works_stays_and_is_named(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    unlearned, evaluation = one(plan, "unlearn", "/finetune~"), measured(plan, "evaluation")
    killed, running = work_folder(unlearned, pid=ended_process()), work_folder(evaluation)
    (running / "model.safetensors").unlink()  # a job that has just begun: its folder is empty
    write_study({**SMALL, "methods": ["gradient_ascent"]})
    gc.run(yes=True)
    assert running.is_dir() and Path(evaluation, "manifest.json").exists()
    assert not killed.exists() and not Path(unlearned, "manifest.json").exists()
    assert f"kept: {evaluation}: a job is running there" in capsys.readouterr().out


NOT_YAML = "name: [broken\n"
UNKNOWN_METHOD = {**SMALL, "methods": ["finetune", "no_such_method"]}
OTHER_DATA = {**UNKNOWN_METHOD, "dataset": {"name": "cifar10"}}
NO_FOLDER = {**SMALL, "dataset": {"name": "image_folder", "folder": "/not/mounted", "side": 8}}


def break_study(name: str, content: str | dict) -> None:
    """Write a study that cannot be planned."""
    if isinstance(content, dict):
        write_study(content, name)
    else:
        Path(f"config/studies/{name}.yaml").write_text(content)


def orphan(folder: str) -> str:
    """Make a folder of no study."""
    Path(folder).mkdir(parents=True)
    Path(folder, paths.SPECIFICATION).write_text("{}")
    return folder


@pytest.mark.parametrize(
    ("content", "kept", "gone"),
    [
        (NOT_YAML, ("digits", "cifar10", "image_folder~12345678"), ()),
        (UNKNOWN_METHOD, ("digits",), ("cifar10", "image_folder~12345678")),
        (OTHER_DATA, ("cifar10",), ("digits", "image_folder~12345678")),
        (NO_FOLDER, ("image_folder~12345678",), ("digits", "cifar10")),
        ({**SMALL, "dataset": {"name": "digit"}}, ("digits", "cifar10", "image_folder~12345678"), ()),
    ],
    ids=["not yaml", "unknown method", "unknown method, other data", "no folder", "unknown dataset"],
)
def test_what_a_study_that_cannot_be_planned_may_own_stays(
    plan: Plan, capsys: pytest.CaptureFixture[str], content: str | dict, kept: tuple, gone: tuple
) -> None:
    break_study("broken", content)
    report = orphan("reports/broken")
    for dataset in (*kept, *gone):
        orphan(f"runs/{dataset}/net~00000000/original/train7")
    orphan("reports/of_no_study")
    before = files()
    assert gc.run(yes=True) == 0
    removed = {f"runs/{dataset}/net~00000000/original/train7/{paths.SPECIFICATION}" for dataset in gone}
    assert before - files() == removed | {f"reports/of_no_study/{paths.SPECIFICATION}"}
    assert Path(report).is_dir()
    out, err = capsys.readouterr()
    assert [line.partition(":")[0] for line in err.splitlines()] == ["study 'broken' is left out"]
    (line,) = [line for line in out.splitlines() if line.startswith("kept: ")]
    assert line.startswith("kept: all runs") and "reports/broken: study 'broken' cannot be planned: " in line


@pytest.mark.parametrize("content", [NOT_YAML, UNKNOWN_METHOD, NO_FOLDER, OTHER_DATA])
def test_what_its_last_specifications_name_stays(plan: Plan, content: str | dict) -> None:
    break_study(STUDY, content)
    before = files()
    gc.run(yes=True)
    assert files() == before  # the study was planned once, on digits


@pytest.mark.parametrize("content", [NOT_YAML, OTHER_DATA])
def test_specifications_that_cannot_be_read_keep_all_runs(plan: Plan, content: str | dict) -> None:
    Path(one(plan, "aggregate"), paths.SPECIFICATION).write_text("{")
    break_study(STUDY, content)
    before = files()
    gc.run(yes=True)
    assert files() == before


def test_control_the_same_runs_go_when_the_study_can_be_planned(plan: Plan) -> None:
    write_study({**SMALL, "recipe": "made", "methods": ["gradient_ascent"]}, STUDY)
    assert listed() == {f for f in plan.jobs if "/finetune~" in f}


def test_checkpoints_of_a_study_that_cannot_be_planned_stay_while_the_job_is_unfinished(plan: Plan) -> None:
    original, retrained = one(plan, "original"), one(plan, "retrained")
    Path(original, "manifest.json").unlink()
    places = [paths.checkpoint(folder) / "part" / "weights" for folder in (original, retrained)]
    places.append(paths.checkpoint("runs/digits/net~00000000/original/train9") / "weights")
    for place in places:
        place.parent.mkdir(parents=True)
        place.write_text("x")
    break_study(STUDY, NOT_YAML)
    gc.run(yes=True)
    assert [place.exists() for place in places] == [True, False, True]


def test_json_says_what_is_kept_and_why(plan: Plan, capsys: pytest.CaptureFixture[str]) -> None:
    break_study("broken", UNKNOWN_METHOD)
    assert gc.run(json=True) == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["removed"], content["folders"]) == (False, [])
    (kept,) = content["kept"]
    assert kept["what"] == "all runs of digits, reports/broken"
    assert "no_such_method" in kept["why"]
