"""What tests do with a real Slurm and with a run of the workflow on it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reunlearn.base.interval import VARIABLE
from tests.workflow.project import Project

ROOT = Path(__file__).resolve().parents[2]
POSSIBLE = os.geteuid() == 0 and shutil.which("apt-get") is not None
NEEDS = pytest.mark.skipif(not POSSIBLE, reason="a real Slurm needs root and Debian's packages")
PROFILE = ("--workflow-profile", "workflow/profiles/slurm", "--slurm-status-command", "squeue")
SOON = ("--seconds-between-status-checks", "2", "--slurm-init-seconds-before-status-checks", "2")
# trainings wait after each epoch where a test says so, and can go on from any epoch
LOOP = "src/reunlearn/training/loop.py"
PAUSE = (
    r"        import os\n        time.sleep(float(os.environ.get('PAUSE', '0')) if checkpoints else 0)\n\1"
)


def pausing(project: Project, epochs: int) -> None:
    """Let trainings of a project wait after each epoch for PAUSE seconds of the environment: the bits are the same."""
    project.edit(LOOP, r"(        ended = \{number.*\n)", PAUSE)
    project.edit("config/recipes/tiny.yaml", r"epochs: \d+", f"epochs: {epochs}")


class Slurm:
    """Slurm with this machine as its only node."""

    def __init__(self, project: Project, folder: Path) -> None:
        self.project, self.folder = project, folder

    def order(self, what: str) -> subprocess.CompletedProcess[str]:
        """Start or stop it."""
        script = str(self.project.root / "workflow/slurm/cluster.sh")
        return self.project.run([script, what, str(self.folder)], check=False)

    def start(self) -> None:
        started = self.order("start")
        assert started.returncode == 0, started.stderr

    def stop(self) -> None:
        self.order("stop")

    def kill_slurmd(self) -> None:
        """End the node's daemon without warning, and start it again."""
        os.kill(self.slurmd, signal.SIGKILL)
        time.sleep(1)
        self.start_slurmd()
        time.sleep(1)

    @property
    def slurmd(self) -> int:
        """The process of the node's daemon."""
        return int((self.folder / "slurmd.pid").read_text())

    def start_slurmd(self) -> None:
        """Start the node's daemon again after it was killed; it ends with the others."""
        place = self.folder / "slurmd.pid"
        place.unlink()  # of the one that was killed
        subprocess.run(["slurmd"], check=True, timeout=30)
        wait_for(lambda: place.is_file() and place.read_text().strip(), "slurmd")
        with (self.folder / "started").open("a") as started:
            started.write(f"{self.slurmd}\n")

    def submit(self, *options: str) -> str:
        """Submit a job of somebody else; return its number."""
        command = ["sbatch", "--parsable", "--output=/dev/null", *options]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.strip()

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """Return what Slurm knows of its jobs of a rule, oldest first."""
        command = ["scontrol", "show", "job", "--oneliner"]
        printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        jobs = [
            dict(re.findall(r"(\w+)=(\S+)", line))
            for line in printed.splitlines()
            if line.startswith("JobId=")
        ]
        return [job for job in jobs if job.get("Comment", "").startswith(rule)]


class Running:
    """A run of the workflow through the profile, in the background."""

    def __init__(self, project: Project, *options: str, variables: Mapping[str, str] = {}) -> None:
        command = [sys.executable, "-m", "snakemake", *PROFILE, *SOON, *options]
        self.output = project.root / "slurm-run.log"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [*command, "--config", "study=tiny", "device=cpu"],
                cwd=project.root,
                env={**project.environment(), VARIABLE: "0", **variables},
                stdout=output,
                stderr=output,
            )

    def end(self, seconds: float) -> int:
        """Wait for its end; return its exit code."""
        return self.process.wait(seconds)

    def kill(self) -> None:
        """End it in any case: Slurm is stopped afterwards."""
        self.process.kill()
        self.process.wait(30)


def wait_for(condition: Callable[[], object], what: str, seconds: float = 240) -> None:
    """Wait until something is so."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited for {seconds:.0f} s: {what}"
        time.sleep(0.2)


def same_bits(here: Project, there: Project) -> str:
    """Return what the comparison of two projects' runs prints."""
    command = [sys.executable, "workflow/slurm/compare.py", str(here.root / "runs"), str(there.root / "runs")]
    return there.run(command, check=False).stdout


def checkpoint(project: Project, place: str) -> list[Path]:
    """Return the checkpoints of a training that runs."""
    return list(project.root.glob(f".reunlearn/checkpoints/**/{place}/**/checkpoint.json"))


def first_epoch(project: Project, place: str) -> int:
    """Return the first epoch that the log of a training's last start names."""
    (log,) = project.root.glob(f"logs/**/{place}.log")
    match = re.search(r"epoch (\d+)", log.read_text())
    assert match, log.read_text()
    return int(match[1])
