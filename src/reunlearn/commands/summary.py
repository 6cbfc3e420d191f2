"""After a run: where the report is, and where the time went."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from reunlearn.base.files import read_json
from reunlearn.study import paths
from reunlearn.study.plan import Plan

WORK = {
    "training": ("original", "retrained", "shadow"),
    "unlearning": ("state", "unlearn"),
    "evaluating": ("evaluate", "compare", "relearn", "attack"),
}


def run(plan: Plan) -> None:
    """Print the report's place; if the workflow said when it started, print the shares of its time."""
    report = Path(paths.report(plan.study.name)) / "index.html"
    started, cores = os.environ.get("REUNLEARN_STARTED"), os.environ.get("REUNLEARN_CORES")
    if started and cores:
        _times(plan, float(started), int(cores))
    if report.exists():
        print(f"report: {report}")


def _times(plan: Plan, started: float, cores: int) -> None:
    """Print how much of the cores' time went into training, unlearning and evaluating."""
    wall = time.time() - started
    seconds = dict.fromkeys(WORK, 0.0)
    jobs = 0
    for job in plan.jobs.values():
        path = Path(job.folder) / paths.RECORD
        if not path.exists():
            continue
        record = read_json(path)
        if datetime.fromisoformat(record["finished"]) < datetime.fromtimestamp(started, UTC).replace(
            microsecond=0
        ):
            continue
        jobs += 1
        for name, stages in WORK.items():
            if job.stage in stages:
                seconds[name] += record["seconds"]["total"]
    if not jobs:
        return
    busy = sum(seconds.values())
    parts = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    print(f"{jobs} jobs in {wall:.0f} s on {cores} cores = {wall * cores:.0f} core-seconds: {parts}")
    print(f"outside training, unlearning and evaluating: {100 * max(0.0, 1 - busy / (wall * cores)):.0f} %")
