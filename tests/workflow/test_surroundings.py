"""Everyday surroundings: odd folder names, what cannot be written, copied environments, calls from a sub-folder."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.workflow.project import EXPERIMENT, ROOT, Project

pytestmark = pytest.mark.workflow
ODD = "a b ü [x] 'q' \"d\" $HOME"


def test_a_folder_with_an_odd_name(tiny: Project, tmp_path: Path) -> None:
    """Jobs, warm worker, report and tracking: whatever passes the folder's name on."""
    project = tiny.copy(tmp_path / ODD)
    shutil.rmtree(next(project.root.glob("runs/**/finetune~*")))
    (project.root / "mlflow.db").unlink()
    project.snakemake()
    assert project.would_run() == set()
    assert (project.root / "mlflow.db").exists()


def test_braces_are_refused_in_one_line(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "{x}")
    assert "Snakemake cannot work in a folder with braces" in refused(project)


def refused(project: Project, *arguments: str) -> str:
    """Return what Snakemake says when it refuses before any job starts."""
    done = project.snakemake("--dry-run", *arguments, check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 1 and "Traceback" not in printed, printed
    return printed


def test_no_core_is_refused(tiny: Project) -> None:
    assert "CORES is 0; at least 1 is needed" in refused(tiny, "--cores", "0")


def test_a_study_without_its_weights_can_be_looked_at_but_not_run(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    weights = {"name": "torchvision_resnet18", "settings": {"pretrained": "cache"}}
    project.write_study("heavy", [{**EXPERIMENT, "dataset": {"name": "cifar10"}, "architecture": weights}])
    nowhere, said = {"TORCH_HOME": str(tmp_path)}, "hub/checkpoints/resnet18-f37072fd.pth is not there"
    looked = project.snakemake("--dry-run", study="heavy", variables=nowhere)
    assert said in looked.stderr
    done = project.snakemake(study="heavy", variables=nowhere, check=False)
    printed = done.stdout + done.stderr
    assert done.returncode == 1 and said in printed and "Traceback" not in printed
    assert "'extends: heavy' and 'experiments: {random: }'" in printed
    assert not (project.root / "runs/cifar10").exists()


@pytest.mark.thorough
def test_a_read_only_project_can_be_looked_at(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    folder, home = shlex.quote(str(project.root)), shlex.quote(str(Path.home()))
    frozen = "".join(f"mount --bind {f} {f} && mount -o remount,ro,bind {f} && " for f in (folder, home))
    finetune = next(project.root.glob("runs/**/finetune~*/seed0")).relative_to(project.root)
    looks = " && ".join(
        f"{sys.executable} -m reunlearn.cli {words}"
        for words in ("plan tiny", "verify tiny", f"show {finetune}")
    )
    script = f"{frozen} ! touch {folder}/x 2>/dev/null && cd {folder} && {looks}"
    allowed = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0
    if not allowed:
        pytest.skip("nothing can be made read-only here")
    done = project.run(["unshare", "-m", "bash", "-c", script])
    assert "tiny: 21 of 21 jobs are sound" in done.stdout


@pytest.mark.thorough
def test_commands_from_a_sub_folder_find_the_project(tiny: Project, tmp_path: Path) -> None:
    project = tiny.copy(tmp_path / "project")
    below = next(project.root.glob("runs/**/finetune~*/seed0/measured"))
    for words in (["plan", "tiny", "--json"], ["show", "evaluation", "--json"]):
        command = [sys.executable, "-m", "reunlearn.cli", *words]
        done = subprocess.run(
            command, cwd=below, env=project.environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["folder"] == str(below.relative_to(project.root) / "evaluation")


def test_another_project_s_source_is_refused(tiny: Project) -> None:
    """As in a copy of a project with its environment: that one runs the source of the origin."""
    origin = {"PYTHONPATH": str(ROOT / "src")}
    for command in ([sys.executable, "-m", "reunlearn.cli", "plan", "tiny"], snakemake()):
        done = tiny.run(command, check=False, variables=origin)
        printed = done.stdout + done.stderr
        assert done.returncode != 0 and "Traceback" not in printed
        assert "this folder has a source of its own" in printed


def snakemake() -> list[str]:
    return [sys.executable, "-m", "snakemake", "--dry-run", "--cores", "1", "--config", "study=tiny"]


def make(project: Path, target: str, **variables: str) -> str:
    """Return what make would run."""
    for name in ("Makefile", "requirements.lock", "requirements-test.lock", "pyproject.toml"):
        shutil.copy2(ROOT / name, project)
    (project / ".venv").mkdir(exist_ok=True)
    (project / ".venv/.place").write_text(str(project))
    for name in (".ready", ".ready-test"):
        (project / ".venv" / name).touch()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    done = subprocess.run(
        ["make", "--no-print-directory", "-n", target],
        cwd=project,
        env={**kept, **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_cores_are_those_that_may_be_used(tmp_path: Path) -> None:
    printed = make(tmp_path, "reproduce", OMP_NUM_THREADS="1", SNAKEMAKE_PROFILE="elsewhere")
    assert f"--cores '{len(os.sched_getaffinity(0))}' " in printed
    assert "env -u SNAKEMAKE_PROFILE" in printed


def test_an_environment_of_another_place_is_made_anew(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    assert "-m venv" not in make(project, "dry-run")
    copy = shutil.copytree(project, tmp_path / "copy")
    done = subprocess.run(["make", "-n", "dry-run"], cwd=copy, capture_output=True, text=True, check=True)
    assert "-m venv .venv" in done.stdout


def test_a_home_that_cannot_be_written_is_not_asked_for_a_cache(tmp_path: Path) -> None:
    home = tmp_path / "no-folder"
    home.write_text("")
    printed = make(tmp_path, "dry-run", HOME=str(home), XDG_CACHE_HOME="")
    assert 'XDG_CACHE_HOME="${TMPDIR:-/tmp}/reunlearn-cache-' in printed
    assert "XDG_CACHE_HOME" not in make(tmp_path, "dry-run", XDG_CACHE_HOME=str(tmp_path))
