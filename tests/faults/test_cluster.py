"""A node of a real Slurm is lost with all that runs on it: its jobs start again where they were."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

from tests.cluster.slurm import NEEDS, PROFILE, SOON, Slurm
from tests.faults.conftest import Note
from tests.faults.disturbed import Disturbed

pytestmark = [pytest.mark.faults, NEEDS]


def below(name: str) -> list[int]:
    """Return the processes of such a name, and all that they started."""
    names, children = {}, defaultdict(list)
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdecimal():
                words = (entry / "stat").read_text().rpartition(")")
                names[int(entry.name)] = words[0].partition("(")[2]
                children[int(words[2].split()[1])].append(int(entry.name))
    found = [process for process, known in names.items() if known == name]
    for process in found:
        found.extend(child for child in children[process] if child not in found)
    return found


def test_a_node_is_lost(study: Disturbed, tmp_path: Path, note: Note) -> None:
    slurm = Slurm(study.project, tmp_path / "cluster")
    try:
        slurm.start()
        study.begin(*SOON, profile=PROFILE)
        study.wait_for_work("/original/train0$", 1.8)
        node = subprocess.run(
            ["sinfo", "--noheader", "--format=%N"], capture_output=True, text=True, check=True
        ).stdout.strip()
        for process in [slurm.slurmd, *below("slurmstepd")]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        change = ["scontrol", "update", f"nodename={node}"]
        subprocess.run([*change, "state=down", "reason=lost"], check=True, timeout=30)
        slurm.start_slurmd()
        subprocess.run([*change, "state=resume"], check=False, timeout=30)  # it may be back by itself
        assert study.end(500) == 0, study.printed[-6000:]
        restarted = [job for job in slurm.jobs() if job["Restarts"] != "0"]
    finally:
        study.kill()
        slurm.stop()
    assert restarted and {job["JobState"] for job in restarted} == {"COMPLETED"}
    study.compare()
    note(
        study, "a node of a Slurm cluster is lost", "Slurm queues its jobs again; no second command is needed"
    )
