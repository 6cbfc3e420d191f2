"""Jobs on a real Slurm that are interrupted: they go on where they were, and give the bits of a run without Slurm."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.cluster.slurm import (
    NEEDS,
    Running,
    Slurm,
    checkpoint,
    first_epoch,
    pausing,
    same_bits,
    wait_for,
)
from tests.workflow.project import EXPERIMENT, Project

EPOCHS = 40
ORIGINAL = "original/train0"
RESULTS = "reports/tiny/results/manifest.json"


@pytest.fixture
def here(project: Project, tmp_path: Path) -> Iterator[Project]:
    """The same project, run on this machine without Slurm."""
    project.write_study("tiny", [EXPERIMENT | {"methods": EXPERIMENT["methods"][:1]}])
    pausing(project, EPOCHS)
    here = project.copy(tmp_path / "here")
    here.snakemake(RESULTS)
    return here


def finish(running: Running, seconds: float) -> None:
    assert running.end(seconds) == 0, running.output.read_text()[-6000:]


@NEEDS
@pytest.mark.skipif(
    "REUNLEARN_SLURM" not in os.environ, reason="starts a real Slurm: REUNLEARN_SLURM=1 allows it"
)
def test_the_same_bits_though_a_job_is_requeued_and_the_node_s_daemon_killed(
    here: Project, project: Project, slurm: Slurm
) -> None:
    running = Running(project, RESULTS, variables={"PAUSE": "0.3"})
    try:
        wait_for(lambda: checkpoint(project, ORIGINAL), "a training that runs")
        slurm.kill_slurmd()
        (job,) = slurm.jobs("rule_original")
        subprocess.run(["scontrol", "requeue", job["JobId"]], check=True, timeout=30)
        finish(running, 400)
    finally:
        running.kill()
    (job,) = slurm.jobs("rule_original")
    assert (job["Restarts"], job["JobState"]) == ("1", "COMPLETED")
    assert first_epoch(project, ORIGINAL) > 1
    assert {job["JobState"] for job in slurm.jobs()} == {"COMPLETED"}
    assert " run folders hold the same bits" in same_bits(here, project)


@NEEDS
@pytest.mark.cluster
def test_a_preempted_training_goes_on(here: Project, project: Project, slurm: Slurm) -> None:
    running = Running(project, RESULTS, variables={"PAUSE": "0.3"})
    try:
        wait_for(lambda: checkpoint(project, ORIGINAL), "a training that runs")
        slurm.submit("--partition=urgent", "--exclusive", "--wrap=sleep 3")
        finish(running, 300)
    finally:
        running.kill()
    (job,) = slurm.jobs("rule_original")
    assert (job["Restarts"], job["JobState"]) == ("1", "COMPLETED")
    assert first_epoch(project, ORIGINAL) > 1
    assert " run folders hold the same bits" in same_bits(here, project)


@NEEDS
@pytest.mark.cluster
def test_a_job_that_reaches_its_time_limit_goes_on_with_more(
    here: Project, project: Project, slurm: Slurm
) -> None:
    options = ("--until", "original", "--set-resources", "original:runtime=attempt")
    running = Running(project, *options, variables={"PAUSE": "2.5"})
    try:
        finish(running, 400)
    finally:
        running.kill()
    first, second = slurm.jobs("rule_original")
    assert (first["JobState"], second["JobState"]) == ("TIMEOUT", "COMPLETED")
    assert (first["TimeLimit"], second["TimeLimit"]) == ("00:01:00", "00:02:00")
    assert first_epoch(project, ORIGINAL) > 1
    (made,) = project.root.glob(f"runs/**/{ORIGINAL}/manifest.json")
    assert made.read_text() == (here.root / made.relative_to(project.root)).read_text()


@NEEDS
@pytest.mark.cluster
def test_what_a_batch_made_stays_when_another_of_its_jobs_fails(project: Project, slurm: Slurm) -> None:
    method = "src/reunlearn/unlearning/methods/gradient_ascent.py"
    project.edit(
        method, r"(        optimizer = self.make_optimizer)", r"        raise RuntimeError('broken')\n\1"
    )
    running = Running(project, "--retries", "1")
    try:
        assert running.end(400) != 0
    finally:
        running.kill()
    failed = [job for job in slurm.jobs("rule_batch") if job["JobState"] == "FAILED"]
    first, second = failed
    assert first["JobId"] != second["JobId"]
    made = [path.parent for path in project.root.glob("runs/**/unlearned/**/manifest.json")]
    assert _rows(made) == {"finetune", "original", "retrain"}  # the row that fails takes none with it
    assert len(made) == 1 + 3 * 3  # the unlearning; evaluation, comparison and attack of each
    by_first = [path for path in made if _time(path / "record.json") < second["StartTime"]]
    assert by_first == made, "the second try made again what the first one had made"
    printed = running.output.read_text()
    assert (
        printed.count("\nfailed: ") == 1 and "broken (log: logs/" in printed
    )  # what waited for it did not fail
    assert "on the nodes: .snakemake/slurm_logs" in printed


def _rows(folders: list[Path]) -> set[str]:
    """Return the rows of some folders of runs."""
    return {re.sub(r".*/train0/([a-z_]+).*", r"\1", str(folder)) for folder in folders}


def _time(path: Path) -> str:
    """Return when a file was written, as Slurm writes times."""
    return datetime.fromtimestamp(path.stat().st_mtime).isoformat(timespec="seconds")
