"""Fresh clone, dvc pull, restore: what is sound is trusted, what was tampered with never is."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.storage import dvc_project
from tests.workflow.project import Executed, Project

pytestmark = pytest.mark.workflow

TAIL = {"aggregate", "report", "track"}


def command(project: Project, name: str, **arguments: Any) -> Any:
    """Call a command in the project and return the JSON that it prints."""
    call = f"from reunlearn.commands import {name}; {name}.run(json=True, **{arguments!r})"
    return json.loads(project.run([sys.executable, "-c", call]).stdout)


@pytest.fixture(scope="module")
def stored(tiny: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A finished project whose snapshot was committed and pushed to a local remote."""
    project = tiny.copy(tmp_path_factory.mktemp("stored") / "project")
    dvc_project.create(project.root)
    found = command(project, "snapshot", study="tiny")
    assert (found["unsound"], found["not_pushed"]) == ({}, [])
    dvc_project.run(project.root, "git", "add", ".")
    dvc_project.run(project.root, "git", "commit", "--quiet", "-m", "snapshot")
    return project


@pytest.fixture
def clone(stored: Project, tmp_path: Path) -> Project:
    """A fresh clone beside the project, whose default remote it finds."""
    place = stored.root.parent / tmp_path.name
    dvc_project.run(tmp_path, "git", "clone", "--quiet", str(stored.root), str(place))
    return Project(place)


def planned(project: Project) -> dict[str, str]:
    """Return {folder: stage} of all jobs."""
    return {job["folder"]: job["stage"] for job in command(project, "plan", study="tiny")["states"]}


def one(project: Project, stage: str, part: str = "") -> str:
    (folder,) = [folder for folder, of in planned(project).items() if of == stage and part in folder]
    return folder


def following(project: Project, folder: str) -> Executed:
    """Return the jobs of a folder and of all folders below it, and the tail."""
    jobs = planned(project).items()
    return {(stage, f) for f, stage in jobs if f == folder or f.startswith(f"{folder}/") or stage in TAIL}


def test_untampered_clone_has_nothing_to_do_and_notices_a_later_edit(clone: Project) -> None:
    (found,) = command(clone, "restore", study="tiny")
    assert not list(clone.root.glob("runs/**/unlearned/**/model.safetensors"))  # the choice: originals
    assert (found["to_run"], found["set_aside"], found["complaints"]) == (0, {}, [])
    assert found["restored"] == found["jobs"] == 21
    assert len(found["left_out"]) == 2
    assert clone.executed() == set()
    attack = clone.root / "src/reunlearn/attacks/entropy_logistic.py"
    attack.write_text(attack.read_text() + "\nEDITED = True\n")
    attacked = {(s, f) for f, s in planned(clone).items() if f.endswith("/measured/entropy_logistic")}
    assert clone.would_run() == attacked | {(s, f) for f, s in planned(clone).items() if s in TAIL}


@pytest.mark.thorough
def test_tampered_artifact_is_set_aside_and_made_again(clone: Project, stored: Project) -> None:
    command(clone, "restore", study="tiny")
    original = one(clone, "original")
    weights = clone.root / original / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    (found,) = command(clone, "restore", study="tiny")
    assert found["set_aside"] == {original: ["changed: model.safetensors"]}
    assert (clone.root / found["place"] / original / "model.safetensors").read_bytes() == content
    jobs = planned(clone)
    untouched = {f for f, s in jobs.items() if s in ("prepare", "split", "retrained") or "/retrain/" in f}
    untouched -= {f for f in jobs if "/measured/comparison" in f}  # all are compared with the original
    assert found["restored"] == len(untouched)
    ran = clone.executed()
    assert ran == {(stage, folder) for folder, stage in jobs.items() if folder not in untouched}
    assert weights.read_bytes() == (stored.root / original / "model.safetensors").read_bytes()
    assert command(clone, "verify", study="tiny")["problems"] == []


@pytest.mark.thorough
def test_tampered_result_moves_its_own_row_only(clone: Project) -> None:
    command(clone, "restore", study="tiny")
    row = one(clone, "unlearn", "/finetune~")
    numbers = clone.root / row / "measured/evaluation/numbers.json"
    numbers.write_text(numbers.read_text().replace("0", "1", 1))
    (found,) = command(clone, "restore", study="tiny")
    assert found["set_aside"] == {f"{row}/measured/evaluation": ["changed: numbers.json"]}
    # the evaluation needs weights that the snapshot left out
    assert clone.would_run() == following(clone, row)


@pytest.mark.thorough
def test_data_that_no_remote_has_are_prepared_again_and_a_method_edit_makes_its_weights(
    clone: Project,
) -> None:
    command(clone, "restore", study="tiny")
    shutil.rmtree(clone.root / "data")
    shutil.rmtree(clone.root / ".dvc/cache")
    (found,) = command(clone, "restore", study="tiny", pull=False)
    assert (found["to_run"], found["set_aside"]) == (0, {})
    method = clone.root / "src/reunlearn/unlearning/methods/finetune.py"
    method.write_text(method.read_text() + "\nEDITED = True\n")
    assert clone.would_run() == following(clone, one(clone, "unlearn", "/finetune~"))


@pytest.mark.thorough
def test_restoring_nothing_is_an_error_and_the_next_call_brings_it(stored: Project, tmp_path: Path) -> None:
    """Far from the project the default remote is not there; then another one is named."""
    dvc_project.run(tmp_path, "git", "clone", "--quiet", str(stored.root), "clone")
    project = Project(tmp_path / "clone")
    done = project.reunlearn("restore", "tiny", check=False)
    assert done.returncode == 1
    assert "not pulled: " in done.stdout and "0 of 21 jobs restored" in done.stdout
    storage = str(stored.root.parent / "dvc-storage")
    dvc_project.dvc(project.root, "remote", "modify", "--local", "storage", "url", storage)
    assert "21 of 21 jobs restored" in project.reunlearn("restore", "tiny").stdout
