"""What `reunlearn doctor` says of a real Slurm: up, then down. Run by `make slurm-test`."""

from __future__ import annotations

from pathlib import Path

from reunlearn.doctor.checks import slurm
from reunlearn.doctor.findings import Asked
from tests.cluster.test_demo import cluster, project, pytestmark
from tests.cluster.test_demo import slurm as running
from tests.doctor.looking import look
from tests.workflow.project import Project

__all__ = ["project", "pytestmark", "running"]


def test_a_cluster_that_is_up_and_one_that_is_not(project: Project, running: Path) -> None:
    up, accounts = look(slurm, Asked("slurm"))
    assert up.state == "ok" and "1 nodes" in up.text, up
    assert accounts.state == "problem" and "squeue" in accounts.mend, "the demonstration keeps no accounts"
    cluster(project, "stop", running)
    (down,) = look(slurm, Asked("slurm"))
    assert down.state == "problem" and "does not answer" in down.text
    (elsewhere,) = look(slurm)
    assert elsewhere.state == "warning", "whoever runs on this machine alone needs no cluster"
