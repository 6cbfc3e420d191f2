"""On a real single-machine Slurm: the same bits as here, larger requests after a failure, nothing left behind.

Minutes, root and Debian's packages: run by `make slurm-test`, left out of `make test`.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cluster.slurm import NEEDS, PROFILE, SOON, Slurm, wait_for
from tests.workflow.project import Project

pytestmark = [pytest.mark.cluster, NEEDS]
SETTINGS = Path("/etc/slurm/slurm.conf")


def test_the_demo_ends_with_the_same_bits_and_leaves_nothing(project: Project) -> None:
    assert not SETTINGS.exists()
    done = project.run([str(project.root / "workflow/slurm/demo.sh"), "study=tiny"])
    assert re.search(r"^\d+ run folders hold the same bits$", done.stdout, re.MULTILINE), done.stdout
    assert not SETTINGS.is_symlink()
    assert subprocess.run(["pgrep", "-x", "slurmctld|slurmd"], check=False, timeout=10).returncode == 1


def test_a_failing_job_is_resubmitted_with_more(project: Project, slurm: Slurm) -> None:
    project.edit("src/reunlearn/stages/original.py", r"(def run\(context.*\n)", r"\1    raise RuntimeError\n")
    options = (*PROFILE, *SOON, "--retries", "1", "--until", "original")
    done = project.snakemake(*options, check=False)
    assert done.returncode != 0
    first, second = slurm.jobs("rule_original")
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("1100M", "2200M")
    assert (first["TimeLimit"], second["TimeLimit"]) == ("00:11:00", "00:22:00")
    assert {first["JobState"], second["JobState"]} == {"FAILED"}


def test_someones_own_slurm_is_left_alone(project: Project, tmp_path: Path) -> None:
    assert not SETTINGS.exists()
    SETTINGS.parent.mkdir(parents=True, exist_ok=True)
    SETTINGS.write_text("ClusterName=theirs\n")
    try:
        theirs = Slurm(project, tmp_path / "cluster")
        refused = theirs.order("start")
        assert refused.returncode != 0
        assert "has a Slurm of its own, which stays untouched" in refused.stderr
        theirs.stop()
        assert SETTINGS.read_text() == "ClusterName=theirs\n"
    finally:
        SETTINGS.unlink()


def test_a_demo_that_the_machine_s_end_ended_is_no_obstacle_and_a_running_one_is(
    project: Project, slurm: Slurm, tmp_path: Path
) -> None:
    later = Slurm(project, tmp_path / "later")
    assert "an earlier one still runs; first: " in later.order("start").stderr
    started = (slurm.folder / "started").read_text().split()
    for process in started:
        os.kill(int(process), signal.SIGKILL)
    wait_for(lambda: not any(Path("/proc", process).exists() for process in started), "their end", 10)
    try:
        later.start()
    finally:
        later.stop()
    assert not SETTINGS.is_symlink()
