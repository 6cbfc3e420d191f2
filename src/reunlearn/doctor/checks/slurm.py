"""Slurm: its client, whether the cluster answers, and whether it keeps accounts."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec

from reunlearn.doctor.findings import Asked, CheckCard, Found, State

CARD = CheckCard(order=60, title="Slurm", seconds=30.0)
SECONDS = 10  # of one command
CLIENT = ("sbatch", "sinfo", "squeue", "scancel")


def look(asked: Asked) -> Found:
    """Ask the cluster for its nodes and its accounts. Where another profile is used, nothing here is a problem."""
    bad: State = "problem" if asked.on_cluster else "warning"
    absent = [name for name in CLIENT if shutil.which(name) is None]
    if len(absent) == len(CLIENT):
        text = "no Slurm client here (sbatch is not in PATH)"
        if asked.on_cluster:
            yield "problem", text, "run it on the cluster's login node, or load its module"
        else:
            yield "ok", f"{text}; it is needed for PROFILE=slurm alone", ""
        return
    if absent:
        yield bad, f"{', '.join(absent)} not in PATH", "install the whole Slurm client"
        return
    if find_spec("snakemake_executor_plugin_slurm") is None:
        yield bad, "snakemake-executor-plugin-slurm is not installed", "pip install -r requirements.lock"
    rows, reason = ask("sinfo", "--noheader", "--format=%P %a %D nodes %t")
    if rows is None:
        yield bad, f"the cluster does not answer: sinfo: {reason}", "ask its administrators; is slurmctld up?"
        return
    release, _ = ask("sinfo", "--version")
    up = [" ".join(row.split()) for row in rows.splitlines() if " up " in row]
    if up:
        yield "ok", f"{(release or '').strip()}: {'; '.join(up)}", ""
    else:
        yield (
            bad,
            f"no partition is up: {' '.join(rows.split()) or 'none is shown'}",
            "ask its administrators",
        )
    yield accounts(bad)


def accounts(bad: State) -> tuple[State, str, str]:
    """Return whether the cluster keeps accounts, by which Snakemake learns how a job ended."""
    squeue = 'ARGS="--slurm-status-command squeue"'
    if shutil.which("sacct") is None:
        return bad, "no sacct here, by which Snakemake asks how jobs ended", squeue
    _, reason = ask("sacct", "--noheader", "--allocations", "--format=JobID")
    if reason is None:
        return "ok", "sacct answers", ""
    return bad, f"sacct: {reason}", squeue


def ask(*command: str) -> tuple[str | None, str | None]:
    """Return what a command prints, or why it failed."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return None, f"no answer within {SECONDS} s"
    except OSError as error:
        return None, error.strerror or str(error)
    if done.returncode:
        return None, " ".join(done.stderr.split()) or f"exit code {done.returncode}"
    return done.stdout, None
