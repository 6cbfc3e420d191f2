"""After kill -9 of Snakemake nothing goes on, and the next run needs no help."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from tests.workflow.project import RECIPE, Project

pytestmark = pytest.mark.workflow


def processes_in(folder: Path) -> list[str]:
    """Return the command lines of the processes that work in a folder."""
    lines = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdecimal() and (entry / "cwd").resolve() == folder.resolve():
                lines.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return [line for line in lines if line]


def wait_for(condition, seconds: float = 90) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.1)


@pytest.mark.parametrize("cold", ["", pytest.param("1", marks=pytest.mark.thorough)], ids=["warm", "cold"])
def test_a_killed_run_leaves_nothing_behind(tmp_path: Path, cold: str) -> None:
    project = Project.create(tmp_path / "project")
    recipe = project.root / "config/recipes/tiny.yaml"
    recipe.write_text(yaml.safe_dump({**RECIPE, "epochs": 1_000_000}))
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
    command += ["--cores", "2", "--config", "study=tiny", "device=cpu"]
    with (tmp_path / "output").open("w") as output:
        running = subprocess.Popen(
            command,
            cwd=project.root,
            env={**project.environment(), "REUNLEARN_COLD": cold},
            stdout=output,
            stderr=output,
        )
    wait_for(lambda: list(project.root.glob("runs/*/*/original/train0/.work-*")))
    assert list((project.root / ".snakemake/locks").iterdir())
    running.send_signal(signal.SIGKILL)
    running.wait()
    wait_for(lambda: not processes_in(project.root), 20)
    recipe.write_text(yaml.safe_dump(RECIPE))
    done = project.snakemake("reports/tiny/results/manifest.json")
    assert "removed the lock of a run that was killed" in done.stderr


@pytest.mark.thorough
def test_a_second_run_of_the_same_study_waits_for_nobody_and_changes_nothing(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    recipe = project.root / "config/recipes/tiny.yaml"
    recipe.write_text(yaml.safe_dump({**RECIPE, "epochs": 1_000_000}))
    command = [sys.executable, "-m", "snakemake", "--workflow-profile", "workflow/profiles/default"]
    command += ["--cores", "2", "--config", "study=tiny", "device=cpu"]
    running = subprocess.Popen(
        command,
        cwd=project.root,
        env=project.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: list(project.root.glob("runs/*/*/original/train0/.work-*")))
        before = specifications(project)
        project.snakemake("--dry-run", more=("methods=finetune",))
        done = project.snakemake(check=False)
        assert done.returncode != 0 and "lock" in done.stderr.lower()
        assert specifications(project) == before
        assert running.poll() is None
    finally:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
    wait_for(lambda: not processes_in(project.root), 20)


def specifications(project: Project) -> dict[Path, bytes]:
    files = [*project.root.glob("runs/**/specification.json"), *project.root.glob("reports/**/*.json")]
    return {path: path.read_bytes() for path in files}
