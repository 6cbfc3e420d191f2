"""Running one job: what a killed job left is cleared away, and threads are what the record says."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from reunlearn.artifacts.manifest import is_made, write_manifest
from reunlearn.artifacts.record import read_record
from reunlearn.base.errors import UserError
from reunlearn.measures.registry import Measured
from reunlearn.stages import measure
from reunlearn.stages.execution import ABANDONED_SECONDS, WORK, execute
from tests.attacks.synthetic import noisy
from tests.stages.specifications import measure_job, written

FOLDER = "runs/none/measured/comparison"


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project folder, and a measure that measures nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(measure, "get", lambda name: lambda inputs: Measured({"one": 1}))


def left(pid: int, host: str | None = None) -> Path:
    """Make the work folder of another process, with a file in it."""
    folder = Path(FOLDER) / f"{WORK}{host or socket.gethostname()}-{pid}"
    folder.mkdir(parents=True)
    (folder / "half").write_bytes(b"half")
    return folder


@pytest.fixture
def sleeping() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives as long as the test."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


KILLED = f"""
import time
from reunlearn.stages import measure
from reunlearn.stages.execution import execute
measure.get = lambda name: lambda inputs: time.sleep(600)
execute("measure", "{FOLDER}/specification.json")
"""


def test_what_a_killed_job_left_is_cleared_away_by_the_next_run() -> None:
    path = written(measure_job(FOLDER))
    job = subprocess.Popen([sys.executable, "-c", KILLED], stderr=subprocess.DEVNULL)
    work = Path(FOLDER) / f"{WORK}{socket.gethostname()}-{job.pid}"
    limit = time.monotonic() + 120
    while not work.exists():
        assert job.poll() is None and time.monotonic() < limit, "the job has not begun"
        time.sleep(0.02)
    job.send_signal(signal.SIGKILL)
    job.wait()
    assert work.exists(), "nobody could clear it away"
    execute("measure", path)
    assert is_made(Path(FOLDER))
    assert not list(Path(FOLDER).glob(f"{WORK}*"))


def test_what_a_living_process_writes_to_stays(sleeping: subprocess.Popen[bytes]) -> None:
    work = left(sleeping.pid)
    long_ago = time.time() - 2 * ABANDONED_SECONDS
    os.utime(work, (long_ago, long_ago))  # a long training writes nothing to its folder for days
    execute("measure", written(measure_job(FOLDER)))
    assert is_made(Path(FOLDER))
    assert (work / "half").exists()
    sleeping.kill()
    sleeping.wait()
    execute("measure", written(measure_job(FOLDER)))
    assert not work.exists()


def test_what_lies_there_from_another_machine_stays_for_a_day() -> None:
    work = left(1, host="elsewhere-7")  # whose process 1 is not this machine's
    path = written(measure_job(FOLDER))
    execute("measure", path)
    assert work.exists()
    for age, stays in ((ABANDONED_SECONDS - 600, True), (ABANDONED_SECONDS + 600, False)):
        then = time.time() - age
        os.utime(work, (then, then))
        execute("measure", path)
        assert work.exists() is stays, age


def test_a_job_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(inputs: object) -> Measured:
        raise UserError("out of luck")

    path = written(measure_job(FOLDER))
    monkeypatch.setattr(measure, "get", lambda name: fail)
    with pytest.raises(UserError, match="out of luck"):
        execute("measure", path)
    assert [file.name for file in Path(FOLDER).iterdir()] == ["specification.json"]


def test_a_batch_of_one_is_told_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def normalise(inputs: object) -> Measured:
        torch.nn.BatchNorm1d(3)(torch.zeros(1, 3))
        raise AssertionError("torch should have refused this")

    def other(inputs: object) -> Measured:
        raise ValueError("another mistake")

    monkeypatch.setattr(measure, "get", lambda name: normalise)
    with pytest.raises(UserError, match="a training batch of one sample, which BatchNorm cannot normalise"):
        execute("measure", written(measure_job(FOLDER)))
    monkeypatch.setattr(measure, "get", lambda name: other)
    with pytest.raises(ValueError, match="another mistake"):
        execute("measure", written(measure_job(FOLDER)))


THREADS = """
import importlib, json, os, sys
from threadpoolctl import threadpool_info
from reunlearn.stages.execution import execute

name, path = sys.argv[1:]
if path.endswith("early.json"):  # the libraries are loaded before the job begins, as in the warm worker
    importlib.import_module("sklearn.svm")
attack = importlib.import_module("reunlearn.attacks.registry").get
pools = {}

def watch(name):
    module = attack(name)
    real = module.run
    def run(outputs, shadows, seed):
        result = real(outputs, shadows, seed)
        pools["inside"] = threadpool_info()
        return result
    module.run = run

watch(name)
execute("measure", path)
pools["outside"] = threadpool_info()
print(json.dumps(pools))
"""


@pytest.mark.parametrize("name", ["confidence_svc", "entropy_logistic_cv"])
@pytest.mark.parametrize("loaded", ["early", "late"])
def test_libraries_use_as_many_threads_as_the_record_says(name: str, loaded: str) -> None:
    Path("evaluation").mkdir()
    outputs = noisy(0)
    measure.write(Path("evaluation"), Measured({}, outputs.arrays()))
    evaluation = measure_job("evaluation", "evaluation")
    write_manifest(Path("evaluation"), evaluation, "c0de", {}, ["numbers.json", "arrays.npz"])
    folder = f"runs/none/measured/{name}"
    module = f"reunlearn.attacks.{name}"
    path = written(measure_job(folder, name, modules=(module,), outputs="evaluation"))
    pools = pools_of(name, path.rename(path.with_name(f"{loaded}.json")))
    assert {pool["user_api"] for pool in pools["inside"]} == {"blas", "openmp"}
    assert {pool["num_threads"] for pool in pools["inside"]} == {1}
    record = read_record(Path(folder))
    assert record is not None and record.threads == 1
    if len(os.sched_getaffinity(0)) > 1:  # the control: without the limit they would take all cores
        assert max(pool["num_threads"] for pool in pools["outside"]) > 1


def pools_of(name: str, path: Path) -> dict[str, list[dict[str, object]]]:
    """Run the attack in a process of its own, whose environment limits no threads; return its thread pools."""
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    command = [sys.executable, "-c", THREADS, name, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_environment_is_as_before_after_a_job(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    def look(inputs: object) -> Measured:
        seen.append(os.environ.get("OMP_NUM_THREADS"))
        return Measured({"one": float(np.ones(1).sum())})

    monkeypatch.setattr(measure, "get", lambda name: look)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    execute("measure", written(measure_job(FOLDER)))
    assert seen == ["1"]
    assert "OMP_NUM_THREADS" not in os.environ
