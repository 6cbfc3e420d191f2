"""The warm worker: the same bits as a cold start, refusal of changed sources, and that it leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.project import Project

pytestmark = pytest.mark.workflow


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project with the plan of `tiny` written and its data prepared."""
    project = Project.create(tmp_path_factory.mktemp("worker") / "project")
    project.write_specifications()
    project.reunlearn("prepare", "runs/digits/prepared/specification.json")
    return project


class Warm:
    """A worker owned by a process of its own, which tests can end."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.address = project, folder / "w" / "socket"
        self.address.parent.mkdir()
        self.owner = subprocess.Popen(["sleep", "600"])
        self.environment = {**os.environ, "PYTHONPATH": str(project.root / "src"), "REUNLEARN_DEVICE": "cpu"}
        self.environment["REUNLEARN_STATE"] = str(project.root / ".reunlearn")
        command = [sys.executable, "-m", "reunlearn.worker", str(self.address), str(self.owner.pid)]
        self.process = subprocess.Popen(command, cwd=project.root, env=self.environment)
        wait_for(self.address.exists, 120)

    def client(self, stage: str, specification: str, log: str = "job.log") -> subprocess.Popen[bytes]:
        """Start a client."""
        client = self.project.root / "src/reunlearn/client.py"
        environment = {**self.environment, "REUNLEARN_WORKER": str(self.address)}
        command = [sys.executable, "-S", "-E", str(client), stage, specification, log]
        return subprocess.Popen(command, cwd=self.project.root, env=environment)


@pytest.fixture(scope="module")
def warm(project: Project, tmp_path_factory: pytest.TempPathFactory):
    """A running worker."""
    yield from running(project, tmp_path_factory.mktemp("warm"))


@pytest.fixture
def orphan(project: Project, tmp_path: Path):
    """A running worker whose owner may be ended."""
    yield from running(project, tmp_path)


def running(project: Project, folder: Path) -> Iterator[Warm]:
    worker = Warm(project, folder)
    yield worker
    for process in (worker.owner, worker.process):
        process.kill()
        process.wait()


def wait_for(condition, seconds: float) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(0.02)


def specification(project: Project, stage: str) -> str:
    pattern = {"split": "split~*/*/split0", "original": "*/original/train0"}[stage]
    return str(next(project.root.glob(f"runs/digits/{pattern}/specification.json")).relative_to(project.root))


def test_warm_and_cold_give_the_same_bits(project: Project, warm: Warm) -> None:
    path = specification(project, "original")
    folder = project.root / Path(path).parent
    manifests = []
    assert warm.client("original", path).wait(60) == 0
    assert "reunlearn.worker" not in json.loads((folder / "record.json").read_text())["command"]
    manifests.append((folder / "manifest.json").read_bytes())
    project.reunlearn("original", path)
    manifests.append((folder / "manifest.json").read_bytes())
    assert manifests[0] == manifests[1]


def test_a_mistake_is_one_line_in_the_log_and_an_exit_code(project: Project, warm: Warm) -> None:
    assert warm.client("split", "runs/none/specification.json").wait(60) == 1
    assert (project.root / "job.log").read_text().startswith("error: runs/none/specification.json: no such")


def test_changed_sources_are_refused_and_the_job_starts_cold(
    project: Project, warm: Warm, tmp_path: Path
) -> None:
    source = project.root / "src/reunlearn/stages/split.py"
    before = source.read_text()
    try:
        source.write_text(before + "\n# changed\n")
        path = specification(project, "split")
        assert warm.client("split", path).wait(120) == 0
        command = json.loads((project.root / Path(path).parent / "record.json").read_text())["command"]
        assert command[0] == "cli.py", "a cold start runs the command line"
    finally:
        source.write_text(before)


def manifests_of(project: Project, folders: list[str], make) -> dict[str, bytes]:
    """Return the manifests that jobs leave when `make` runs them, in this order; that of each is removed before."""
    found = {}
    for folder in folders:
        (project.root / folder / "manifest.json").unlink(missing_ok=True)
        make("measure", f"{folder}/specification.json")
        found[folder] = (project.root / folder / "manifest.json").read_bytes()
    return found


def test_jobs_that_follow_each_other_in_a_fork_give_the_bits_of_cold_ones(
    project: Project, orphan: Warm
) -> None:
    """In any order, also after a job that failed; a fork that waits is ended with the worker's owner."""
    for stage in ("split", "original", "retrained", "shadow", "unlearn"):
        for path in sorted(project.root.glob("runs/**/specification.json")):
            if json.loads(path.read_text())["stage"] == stage:
                project.reunlearn(stage, str(path.relative_to(project.root)))
    paths = sorted(project.root.glob("runs/**/measured/*/specification.json"))
    folders = [str(path.parent.relative_to(project.root)) for path in paths]
    # what compares with another measurement comes after it
    folders.sort(key=lambda folder: ("comparison" in folder, "evaluation" not in folder))
    cold = manifests_of(project, folders, project.reunlearn)
    assert len({Path(folder).name.split("~")[0] for folder in folders}) == 3

    def warm(stage: str, path: str) -> None:
        assert orphan.client("measure", "runs/none/specification.json").wait(60) == 1
        assert orphan.client(stage, path).wait(60) == 0

    assert manifests_of(project, folders, warm) == cold
    (fork,) = children(orphan.process.pid)
    others = [f for f in reversed(folders) if "comparison" not in f]
    assert manifests_of(project, others, warm) == {folder: cold[folder] for folder in others}
    assert children(orphan.process.pid) == [fork], "all of them ran in one process"
    assert orphan.client("split", specification(project, "split")).wait(60) == 0
    assert children(orphan.process.pid) == [fork], "a job of another stage has a fork of its own"
    orphan.owner.kill()
    orphan.owner.wait()
    orphan.process.wait(30)
    wait_for(lambda: not Path(f"/proc/{fork}").exists(), 30)


def test_a_fork_that_is_killed_is_told_and_the_next_job_gets_another(project: Project, orphan: Warm) -> None:
    path = str(
        next(project.root.glob("runs/**/measured/evaluation/specification.json")).relative_to(project.root)
    )
    assert orphan.client("measure", "runs/none/specification.json").wait(60) == 1
    (fork,) = children(orphan.process.pid)
    os.kill(fork, signal.SIGKILL)
    assert orphan.client("measure", path).wait(60) == 0
    (other,) = children(orphan.process.pid)
    assert other != fork
    # stopped, it takes the job and is killed with it
    os.kill(other, signal.SIGSTOP)
    client = orphan.client("measure", path)
    time.sleep(0.5)
    os.kill(other, signal.SIGKILL)
    assert client.wait(60) == 128 + signal.SIGKILL
    assert "ended by signal 9" in (project.root / "job.log").read_text()


def test_a_killed_client_ends_its_job(project: Project, orphan: Warm) -> None:
    path = specification(project, "original")
    long = project.root / "long.json"
    content = json.loads((project.root / path).read_text())
    content["training"]["recipe"]["epochs"] = 100_000
    long.write_text(json.dumps(content))
    client = orphan.client("original", "long.json")
    wait_for(lambda: children(orphan.process.pid), 60)
    job = children(orphan.process.pid)[0]
    client.send_signal(signal.SIGKILL)
    client.wait()
    wait_for(lambda: not children(orphan.process.pid), 30)
    assert not Path(f"/proc/{job}").exists()


def test_it_ends_with_its_owner(orphan: Warm) -> None:
    orphan.owner.kill()
    orphan.owner.wait()
    orphan.process.wait(30)
    assert not orphan.address.exists()


def children(pid: int) -> list[int]:
    """Return the child processes of a process."""
    done = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False
    )
    return [int(word) for word in done.stdout.split()]
