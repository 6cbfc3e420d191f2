"""After a failure: a report of what there is, which names the holes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reunlearn.commands.inspection import inspect
from reunlearn.commands.printing import print_json
from reunlearn.stages.execution import execute
from reunlearn.study import asked, paths
from reunlearn.study.plan import Plan, make_plans, write_specifications


@dataclass(frozen=True)
class Partial:
    """Pages of reports that name missing runs."""

    reports: tuple[str, ...]


def run(
    studies: str,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    json: bool = False,
) -> None:
    """Write the results and the page of each study from whatever runs exist; neither counts as done.

    A study whose report need not be made again is left as it is.
    """
    plans = make_plans(asked.studies(studies), methods, seeds)
    write_specifications(plans.jobs.values())
    states = inspect(plans.jobs, hashed=False)
    unmade = [plan for plan in plans.each if states[paths.report(plan.name)].would_run]
    written = Partial(tuple(_write(plan) for plan in unmade))
    if json:
        print_json(written)
        return
    for page in written.reports:
        print(f"some runs are missing; the partial report names them: {page}")


def _write(plan: Plan) -> str:
    for stage, folder in (("aggregate", paths.results(plan.name)), ("report", paths.report(plan.name))):
        for stale in (paths.MANIFEST, paths.RECORD):
            (Path(folder) / stale).unlink(missing_ok=True)
        execute(stage, Path(folder) / paths.SPECIFICATION, partial=True)
    return f"{paths.report(plan.name)}/index.html"
