"""After a run: where the report is, and where the time went."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from reunlearn.artifacts.record import read_record
from reunlearn.base.side_by_side import CORES
from reunlearn.commands.printing import print_json
from reunlearn.study import paths
from reunlearn.study.plan import Plans
from reunlearn.study.stages import STAGES, Share


@dataclass(frozen=True)
class Times:
    """Where the time of a run went, in seconds.

    Attributes:
        jobs: that ran.
        cores: that there were.
        wall_seconds: from the beginning of the run.
        seconds: of jobs, by what they did.
        outside_percent: of the cores' time, that no job used so.
    """

    jobs: int
    cores: int
    wall_seconds: float
    seconds: dict[Share, float]
    outside_percent: float


@dataclass(frozen=True)
class Summary:
    """The pages of the reports; `times` where the workflow says when it started, and jobs ran."""

    study: str
    reports: tuple[str, ...]
    times: Times | None


def run(plans: Plans, json: bool = False) -> None:
    """Print the reports' places; if the workflow said when it started, print the shares of its time."""
    pages = (f"{paths.report(plan.name)}/index.html" for plan in plans.each)
    found = Summary(plans.name, tuple(page for page in pages if Path(page).exists()), times(plans))
    if json:
        print_json(found)
        return
    if found.times:
        _show(found.times)
    for page in found.reports:
        print(f"report: {page}")


def times(plans: Plans) -> Times | None:
    """Return how much of the cores' time went into training, unlearning and evaluating; None if nothing ran."""
    started, cores = os.environ.get("REUNLEARN_STARTED"), os.environ.get(CORES)
    if not started or not cores:
        return None
    wall = time.time() - float(started)
    begin = datetime.fromtimestamp(float(started), UTC).replace(microsecond=0)
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
        return None
    outside = 100 * max(0.0, 1 - sum(seconds.values()) / (wall * int(cores)))
    return Times(jobs, int(cores), wall, seconds, outside)


def _show(times: Times) -> None:
    parts = ", ".join(f"{name} {value:.0f} s" for name, value in times.seconds.items())
    print(
        f"{times.jobs} jobs in {times.wall_seconds:.0f} s on {times.cores} cores = "
        f"{times.wall_seconds * times.cores:.0f} core-seconds: {parts}"
    )
    *first, last = times.seconds
    print(f"outside {', '.join(first)} and {last}: {times.outside_percent:.0f} %")
