"""One decision about what is stale: plan, verify, run, restore and Snakemake agree on it, whatever was damaged."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reunlearn.commands import execute_plan, restore, verify
from reunlearn.commands.inspection import inspect
from reunlearn.study.inputs import Folder
from reunlearn.study.plan import Plan, make_plan
from tests.commands import made
from tests.commands.made import STUDY, measured, one
from tests.workflow.project import ROOT, Project

pytestmark = pytest.mark.workflow


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """A study whose every job looks done, in a project with the real workflow; the working directory."""
    monkeypatch.setenv("REUNLEARN_COMMIT", "0" * 40)
    plan = made.create(tmp_path / "project", monkeypatch)
    shutil.copytree(ROOT / "workflow", "workflow")
    for name in ("Snakefile", "environment.yml"):
        shutil.copy2(ROOT / name, name)
    return plan


def original(plan: Plan) -> Path:
    return Path(one(plan, "original"))


def truncate(plan: Plan) -> None:
    os.truncate(original(plan) / "model.safetensors", 10)


def empty_results(plan: Plan) -> None:
    (Path(one(plan, "aggregate")) / "results.parquet").write_bytes(b"")


def lose_the_page(plan: Plan) -> None:
    (Path(one(plan, "report")) / "index.html").unlink()


def shorten_data(plan: Plan) -> None:
    Path("data/digits/x.npy").write_bytes(b"y")


def remove_a_run(plan: Plan) -> None:
    shutil.rmtree(one(plan, "unlearn", "/finetune~"))


def empty_a_manifest(plan: Plan) -> None:
    (original(plan) / "manifest.json").write_text("")


def break_a_record(plan: Plan) -> None:
    (original(plan) / "record.json").write_text("{")


def break_a_specification(plan: Plan) -> None:
    (Path(measured(plan, "evaluation")) / "specification.json").write_text("")


def use_other_code(plan: Plan) -> None:
    path = Path(one(plan, "unlearn", "/finetune~")) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"code": "0123456789abcdef"}))


def change_the_study(plan: Plan) -> None:
    settings = {"name": "finetune", "settings": {"epochs": 2}}
    made.write_study({**made.SMALL, "methods": [settings, "gradient_ascent"]})


def date_into_the_future(plan: Plan) -> None:
    later = time.time() + 1e6
    for path in original(plan).iterdir():
        os.utime(path, (later, later))


def leave(plan: Plan) -> None:
    """Control: nothing is damaged."""


def flip(plan: Plan) -> None:
    """Change a bit: only a look at all bytes can tell."""
    path = original(plan) / "model.safetensors"
    path.write_bytes(b"v" + path.read_bytes()[1:])


Damage = Callable[[Plan], None]
DAMAGES = (
    truncate,
    empty_results,
    lose_the_page,
    shorten_data,
    remove_a_run,
    empty_a_manifest,
    break_a_record,
    break_a_specification,
    use_other_code,
    change_the_study,
    date_into_the_future,
    leave,
)
OFTEN = (
    truncate,
    remove_a_run,
    use_other_code,
    change_the_study,
    date_into_the_future,
)  # others: test-thorough
EACH = [
    pytest.param(damage, id=damage.__name__, marks=() if damage in OFTEN else pytest.mark.thorough)
    for damage in DAMAGES
]


def by_plan(hashed: bool) -> set[Folder]:
    states = inspect(make_plan(STUDY).jobs, hashed)
    return {folder for folder, state in states.items() if state.would_run}


def by_run(monkeypatch: pytest.MonkeyPatch) -> set[Folder]:
    """Return what `reunlearn run` would make; nothing is made."""
    called: list[Folder] = []
    monkeypatch.setattr(execute_plan, "execute", lambda stage, path: called.append(path.parent.as_posix()))
    monkeypatch.setattr(execute_plan, "repair", lambda states: [])
    monkeypatch.setattr(execute_plan, "write_specifications", lambda jobs: None)
    execute_plan.execute_plan(make_plan(STUDY).jobs)
    return set(called)


def by_snakemake(*configuration: str) -> set[Folder]:
    """Return what `make reproduce` would make."""
    command = [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--quiet", "host"]
    command += ["--config", f"study={STUDY}", "device=cpu", *configuration]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return set(re.findall(r"^ +output: (\S+)/manifest\.json", done.stdout + done.stderr, re.M))


def listing() -> dict[str, bytes]:
    """Return every file of the project but Snakemake's own and the caches."""
    files = (p for p in Path().rglob("*") if p.is_file())
    return {str(p): p.read_bytes() for p in files if p.parts[0] not in (".snakemake", ".reunlearn")}


@pytest.mark.parametrize("damage", EACH)
def test_all_five_agree(plan: Plan, damage: Damage, monkeypatch: pytest.MonkeyPatch) -> None:
    damage(plan)
    before = listing()
    again = by_plan(hashed=False)
    assert again == by_plan(hashed=True) == by_snakemake() == by_run(monkeypatch)
    wrong = {p.folder for p in verify.verify(STUDY).problems}
    assert wrong <= again and bool(wrong) == bool(again)
    assert listing() == before, "whoever only looks writes nothing"
    restored = restore.restore(make_plan(STUDY), pull=False)
    assert restored.to_run == len(again)
    assert by_plan(hashed=True) == again
    assert bool(again) == (damage not in (leave, date_into_the_future))


def test_a_flipped_bit_is_seen_by_those_who_look_at_all_bytes(plan: Plan) -> None:
    flip(plan)
    assert by_plan(hashed=False) == by_snakemake() == set()
    again = by_plan(hashed=True)
    assert again and by_snakemake("verify=1") == again
    assert restore.restore(make_plan(STUDY), pull=False).to_run == len(again)
    assert by_snakemake() == again, "what restore set aside is made again"


@pytest.mark.thorough
def test_what_is_damaged_is_made_again_to_the_bit(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    manifests = {p: p.read_bytes() for p in project.root.glob("runs/**/manifest.json")}
    originals = next(project.root.glob("runs/*/*/original/train0"))
    weights = originals / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:100])
    (next(project.root.glob("runs/**/finetune~*/seed0/measured/evaluation")) / "record.json").write_text("")
    shutil.rmtree(next(project.root.glob("runs/**/gradient_ascent~*")))
    later = time.time() + 1e6
    for path in project.root.glob("runs/**/*.*"):
        os.utime(path, (later, later))
    shutil.rmtree(project.root / ".snakemake")
    announced = project.would_run()
    done = project.snakemake()
    assert "record.json cannot be read: set aside in" in done.stderr
    assert {p: p.read_bytes() for p in project.root.glob("runs/**/manifest.json")} == manifests
    assert weights.read_bytes() == content
    assert project.would_run() == set() != announced
    assert json.loads(project.reunlearn("verify", "tiny", "--json").stdout)["problems"] == []


def test_a_job_refuses_what_its_manifest_does_not_vouch_for(tiny: Project, tmp_path: Path) -> None:
    """A bit flips in the original's weights, and one more method is asked for."""
    project = tiny.copy(tmp_path / "project")
    weights = next(project.root.glob("runs/*/*/original/train0/model.safetensors"))
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    more = {"name": "neg_grad", "settings": {"epochs": 1}}
    project.write_study("tiny", [{**made.EXPERIMENT, "methods": [*made.EXPERIMENT["methods"], more]}])
    done = project.snakemake(check=False)
    assert done.returncode == 1
    lines = [line for line in done.stderr.splitlines() if line.startswith("FAILED ")]
    assert any("/neg_grad" in line and "changed: model.safetensors" in line for line in lines), done.stderr
    assert not list(project.root.glob("runs/**/neg_grad*/seed0/manifest.json"))
    project.snakemake(more=("verify=1",))
    assert json.loads(project.reunlearn("verify", "tiny", "--json").stdout)["problems"] == []
