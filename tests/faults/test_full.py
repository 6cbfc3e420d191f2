"""Disks and memory that are full: one line says so; with more room the same command ends the study."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults.conftest import Note
from tests.faults.disturbed import Disturbed
from tests.faults.mounted import mounted, needs_mount
from tests.storage import dvc_project
from tests.workflow.project import Project
from tests.workflow.test_restore import command

pytestmark = [pytest.mark.faults, pytest.mark.workflow]

FULL = "No space left on device"
PAGE = 4096  # bytes that a file of a disk in memory takes at least
MEMORY = Path("/sys/fs/cgroup/memory")
needs_memory_limit = pytest.mark.skipif(
    not os.access(MEMORY / "cgroup.procs", os.W_OK), reason="limits memory by a control group (version 1)"
)


@needs_mount
@pytest.mark.parametrize("what", ["weights", "a record"])
def test_no_room_for(what: str, study: Disturbed, undisturbed: Project, note: Note) -> None:
    (original,) = undisturbed.root.glob("runs/**/original/train0")
    outputs = [path for path in original.iterdir() if path.suffix in {".safetensors", ".jsonl"}]
    with mounted(study.project.root / "runs") as disk:
        study.begin("--cores", "1")
        study.wait_for_work("/original/", 1.8)
        disk.fill(0 if what == "weights" else sum(-(-path.stat().st_size // PAGE) * PAGE for path in outputs))
        assert study.end() == 1
        assert "Traceback" not in study.printed
        seen = study.line(FULL)
        (made,) = study.project.root.glob("runs/**/original/train0")
        assert (made / "model.safetensors").exists() == (what != "weights")
        disk.empty()
        study.finish()
        note(study, f"disk full while {what} should be written", seen)


@needs_mount
def test_no_room_for_the_page(study: Disturbed, note: Note) -> None:
    with mounted(study.project.root / "reports") as disk:
        study.begin()
        study.wait_for_work("reports/tiny$")
        disk.fill()
        assert study.end() == 1
        assert "Traceback" not in study.printed
        seen = study.line(FULL)
        disk.empty()
        study.finish()
        note(study, "disk full while the page is written", seen)


@needs_mount
def test_no_room_for_the_tracking_store(study: Disturbed, tmp_path: Path, note: Note) -> None:
    with mounted(tmp_path / "store") as disk:
        variables = {"MLFLOW_TRACKING_URI": f"sqlite:///{disk.place}/mlflow.db"}
        disk.fill(100 * PAGE)
        study.begin(variables=variables)
        assert study.end() == 3
        assert "Traceback" not in study.printed
        seen = study.line("MLflow store")
        disk.empty()
        study.finish(variables)
        note(study, "disk full while runs are logged", seen)


@needs_mount
def test_no_room_for_the_cache_of_dvc(finished: Disturbed, tmp_path: Path, note: Note) -> None:
    root = dvc_project.create(finished.project.root)
    with mounted(root / ".dvc/cache") as disk:
        disk.fill(20 * PAGE)
        failed = finished.project.reunlearn("snapshot", "tiny", check=False)
        assert failed.returncode == 2
        (seen,) = failed.stderr.splitlines()
        assert FULL in seen
        disk.empty()
        taken = command(finished.project, "snapshot", study="tiny")
        assert (taken["unsound"], taken["not_pushed"]) == ({}, [])
        dvc_project.run(root, "git", "add", ".")
        dvc_project.run(root, "git", "commit", "--quiet", "-m", "snapshot")
        dvc_project.run(tmp_path, "git", "clone", "--quiet", str(root), "project-clone")
        clone = Project(tmp_path / "project-clone")
        (found,) = command(clone, "restore", study="tiny")
        assert (found["to_run"], found["set_aside"], found["complaints"]) == (0, {}, [])
    finished.compare()
    note(finished, "disk full while a snapshot is put into DVC's cache", seen)


@needs_memory_limit
def test_no_memory(study: Disturbed, note: Note) -> None:
    group = MEMORY / f"reunlearn-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(str(420 * 2**20))
        study.begin(before=lambda: (group / "cgroup.procs").write_text(str(os.getpid())))
        assert study.end() != 0
        reached = int((group / "memory.failcnt").read_text())
        killed = dict(line.split() for line in (group / "memory.oom_control").read_text().splitlines())
        assert reached and int(killed.get("oom_kill", "1"))
        seen = study.line("FAILED ")
        study.wait_until_quiet()
        study.finish()
        note(study, "a limit on memory that jobs reach", seen)
    finally:
        group.rmdir()
