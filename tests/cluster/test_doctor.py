"""What `reunlearn doctor` says of a real Slurm: up, then down. Run by `make slurm-test`."""

from __future__ import annotations

import pytest

from reunlearn.doctor.checks import slurm as check
from reunlearn.doctor.findings import Asked
from tests.cluster.slurm import NEEDS, Slurm
from tests.doctor.looking import look

pytestmark = [pytest.mark.cluster, NEEDS]


def test_a_cluster_that_is_up_and_one_that_is_not(slurm: Slurm) -> None:
    up, accounts = look(check, Asked("slurm"))
    assert up.state == "ok" and "1 nodes" in up.text, up
    assert accounts.state == "problem" and "squeue" in accounts.mend, "the demonstration keeps no accounts"
    slurm.stop()
    (down,) = look(check, Asked("slurm"))
    assert down.state == "problem" and "does not answer" in down.text
    (elsewhere,) = look(check)
    assert elsewhere.state == "warning", "whoever runs on this machine alone needs no cluster"
