"""On a real single-machine Slurm: the same bits as here, larger requests after a failure, nothing left behind.

Minutes, root and Debian's packages: run by `make slurm-test`, left out of `make test`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workflow.project import Project

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.geteuid() != 0 or shutil.which("apt-get") is None, reason="needs root and Debian"),
]
SETTINGS = Path("/etc/slurm/slurm.conf")
DEMO = ("--workflow-profile", "workflow/profiles/slurm", "--slurm-status-command", "squeue")


def cluster(project: Project, order: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start or stop Slurm with its files in a folder."""
    return project.run([str(project.root / "workflow/slurm/cluster.sh"), order, str(folder)], check=False)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.create(tmp_path / "project")


@pytest.fixture
def slurm(project: Project, tmp_path: Path) -> Iterator[Path]:
    """A running Slurm; its folder."""
    folder = tmp_path / "cluster"
    try:
        started = cluster(project, "start", folder)
        assert started.returncode == 0, started.stderr
        yield folder
    finally:
        cluster(project, "stop", folder)


def jobs() -> list[dict[str, str]]:
    """Return what Slurm knows of its jobs, oldest first."""
    command = ["scontrol", "show", "job", "--oneliner"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    return [dict(re.findall(r"(\w+)=(\S+)", line)) for line in printed.splitlines()]


def test_the_demo_ends_with_the_same_bits_and_leaves_nothing(project: Project) -> None:
    assert not SETTINGS.exists()
    done = project.run([str(project.root / "workflow/slurm/demo.sh"), "study=tiny"])
    assert re.search(r"^\d+ run folders hold the same bits$", done.stdout, re.MULTILINE), done.stdout
    assert not SETTINGS.is_symlink()
    assert subprocess.run(["pgrep", "-x", "slurmctld|slurmd"], check=False, timeout=10).returncode == 1


def test_a_failing_job_is_resubmitted_with_more(project: Project, slurm: Path) -> None:
    project.edit("src/reunlearn/stages/original.py", r"(def run\(context.*\n)", r"\1    raise RuntimeError\n")
    options = (*DEMO, "--retries", "1", "--until", "original", "--seconds-between-status-checks", "2")
    done = project.snakemake(*options, check=False)
    assert done.returncode != 0
    first, second = [job for job in jobs() if job["Comment"].startswith("rule_original")]
    assert (first["MinMemoryNode"], second["MinMemoryNode"]) == ("1100M", "2200M")
    assert (first["TimeLimit"], second["TimeLimit"]) == ("00:32:00", "01:04:00")
    assert {first["JobState"], second["JobState"]} == {"FAILED"}


def test_someones_own_slurm_is_left_alone(project: Project, tmp_path: Path) -> None:
    assert not SETTINGS.exists()
    SETTINGS.parent.mkdir(parents=True, exist_ok=True)
    SETTINGS.write_text("ClusterName=theirs\n")
    try:
        refused = cluster(project, "start", tmp_path / "cluster")
        assert refused.returncode != 0
        assert "has a Slurm of its own, which stays untouched" in refused.stderr
        cluster(project, "stop", tmp_path / "cluster")
        assert SETTINGS.read_text() == "ClusterName=theirs\n"
    finally:
        SETTINGS.unlink()
