"""After a run with failed jobs: which they are, and why, once more at the end."""

from __future__ import annotations

import sys
from pathlib import Path

from reunlearn.artifacts.manifest import is_made
from reunlearn.base.secrets import without_secrets
from reunlearn.client import reason
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.plan import Plans
from reunlearn.tracking.store import tracking_uri

SLURM_LOGS = Path(".snakemake/slurm_logs")


def show(plans: Plans, since: float) -> bool:
    """Print the jobs that failed; return whether all that the studies are about is made, and only tracking failed.

    Args:
        plans: that were run.
        since: when the run began, in seconds since 1970.
    """
    missing = [job for job in plans.jobs.values() if not is_made(Path(job.folder))]
    waited = {job.folder for job in missing}
    for job in missing:
        # a cluster's batch leaves empty logs of jobs that waited for the one that failed
        if _ran(job.folder, since) and waited.isdisjoint(job.inputs.folders()):
            log = paths.log(job.folder)
            print(f"failed: {job.folder}: {reason(str(log))} (log: {log})", file=sys.stderr)
    if any(_is_newer(log, since) for log in SLURM_LOGS.rglob("*.log")):
        print(f"what Slurm and Snakemake printed on the nodes: {SLURM_LOGS}", file=sys.stderr)
    if {job.stage for job in missing} != {"track"}:
        return False
    address = without_secrets(tracking_uri())
    for plan in plans.each:
        if paths.tracking(plan.name) in {job.folder for job in missing}:
            print(
                f"the study is complete: {paths.report(plan.name)}/index.html; it was not logged to {address}, "
                "which the next run tries again",
                file=sys.stderr,
            )
    return True


def _ran(folder: Folder, since: float) -> bool:
    return _is_newer(paths.log(folder), since)


def _is_newer(log: Path, since: float) -> bool:
    try:
        return log.stat().st_mtime >= since
    except OSError:
        return False
