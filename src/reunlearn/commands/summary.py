"""After a run: where the report is, and where the time went."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from reunlearn.artifacts.record import read_record
from reunlearn.study import paths
from reunlearn.study.plan import Plans
from reunlearn.study.stages import STAGES, Share


def run(plans: Plans) -> None:
    """Print the reports' places; if the workflow said when it started, print the shares of its time."""
    started, cores = os.environ.get("REUNLEARN_STARTED"), os.environ.get("REUNLEARN_CORES")
    if started and cores:
        _times(plans, float(started), int(cores))
    for plan in plans.each:
        report = Path(paths.report(plan.name)) / "index.html"
        if report.exists():
            print(f"report: {report}")


def _times(plans: Plans, started: float, cores: int) -> None:
    """Print how much of the cores' time went into training, unlearning and evaluating.

    Args:
        plans: that were run.
        started: when, in seconds since 1970.
        cores: how many there were.
    """
    wall = time.time() - started
    begin = datetime.fromtimestamp(started, UTC).replace(microsecond=0)
    shares: tuple[Share, ...] = get_args(Share)
    seconds = dict.fromkeys(shares, 0.0)
    jobs = 0
    for job in plans.jobs.values():
        record = read_record(Path(job.folder))
        if record is None or datetime.fromisoformat(record.finished) < begin:
            continue
        jobs += 1
        share = STAGES[job.stage].share
        if share:
            seconds[share] += record.seconds.get("total", 0.0)
    if not jobs:
        return
    busy = sum(seconds.values())
    parts = ", ".join(f"{name} {value:.0f} s" for name, value in seconds.items())
    print(f"{jobs} jobs in {wall:.0f} s on {cores} cores = {wall * cores:.0f} core-seconds: {parts}")
    print(
        f"outside {', '.join(shares[:-1])} and {shares[-1]}: {100 * max(0.0, 1 - busy / (wall * cores)):.0f} %"
    )
