"""Processes that die, at whatever place: the same command again ends the study."""

from __future__ import annotations

import os
import pathlib
import signal

import pytest

from tests.faults.conftest import Note
from tests.faults.disturbed import Disturbed

pytestmark = [pytest.mark.faults, pytest.mark.workflow]


@pytest.mark.parametrize(
    ("place", "seconds", "what"),
    [
        ("/original/", 1.8, "an original is trained"),
        ("/pools/", 1.8, "a pool is trained"),
        ("/finetune~", 1.8, "a method unlearns"),
        ("/measured/", 0.0, "a model is measured"),
        ("reports/tiny/results", 0.0, "results are gathered"),
        ("reports/tiny$", 0.1, "the report is written"),
        ("reports/tiny/tracking", 0.2, "runs are logged"),
    ],
)
def test_snakemake_is_killed(study: Disturbed, note: Note, place: str, seconds: float, what: str) -> None:
    study.begin()
    study.wait_for_work(place, seconds)
    study.kill()
    study.finish()
    assert study.attempts(place) > 1
    note(study, f"kill -9 of Snakemake while {what}", "its jobs end, too; the next call removes its lock")


@pytest.mark.parametrize(("number", "what"), [(signal.SIGINT, "Ctrl-C"), (signal.SIGTERM, "SIGTERM")])
def test_snakemake_is_asked_to_end(study: Disturbed, note: Note, number: signal.Signals, what: str) -> None:
    study.begin()
    study.wait_for_work("/original/", 1.8)
    assert study.running
    os.killpg(study.running.pid, number)
    assert study.end(60) != 0
    study.wait_until_quiet()
    assert "Traceback" not in study.printed
    study.finish()
    note(study, f"{what} to Snakemake and its jobs", "all of it ends at once")


def test_a_job_is_killed(study: Disturbed, note: Note) -> None:
    study.begin()
    work = study.wait_for_work("/original/", 1.8)
    os.kill(int(work.name.rpartition("-")[2]), signal.SIGKILL)
    assert study.end() == 1
    assert "FAILED " in study.printed and "/retrained/" not in study.printed.partition("failed:")[2]
    study.finish()
    note(study, "kill -9 of a job", "a line with its name and log; the others go on")


def test_the_warm_worker_is_killed(study: Disturbed, note: Note) -> None:
    study.begin()
    study.wait_for_work("/original/", 1.8)
    (log,) = study.project.root.glob(".reunlearn/worker.log")
    assert log.exists()
    os.kill(_worker_of(study), signal.SIGKILL)
    assert study.end() == 1
    assert "the warm worker ended while the job ran" in study.printed
    study.finish()
    note(study, "kill -9 of the warm worker", "a line for each job that it ran; the others start without it")


def _worker_of(study: Disturbed) -> int:
    """Return the process of the warm worker: the parent of a job."""
    job = study.at_work("/original/")[0].name.rpartition("-")[2]
    with pathlib.Path(f"/proc/{job}/stat").open() as stat:
        return int(stat.read().rpartition(")")[2].split()[1])
