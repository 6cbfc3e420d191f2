"""After a failure: a report of what there is, which names the holes."""

from __future__ import annotations

from pathlib import Path

from reunlearn.commands.inspection import inspect
from reunlearn.stages.execution import execute
from reunlearn.study import asked, paths
from reunlearn.study.plan import Plan, make_plans, write_specifications


def run(studies: str, methods: list[str] | None = None, seeds: list[int] | None = None) -> None:
    """Write the results and the page of each study from whatever runs exist; neither counts as done.

    A study whose report need not be made again is left as it is.
    """
    plans = make_plans(asked.studies(studies), methods, seeds)
    write_specifications(plans.jobs.values())
    states = inspect(plans.jobs, hashed=False)
    for plan in plans.each:
        if states[paths.report(plan.name)].would_run:
            _write(plan)


def _write(plan: Plan) -> None:
    for stage, folder in (("aggregate", paths.results(plan.name)), ("report", paths.report(plan.name))):
        for stale in (paths.MANIFEST, paths.RECORD):
            (Path(folder) / stale).unlink(missing_ok=True)
        execute(stage, Path(folder) / paths.SPECIFICATION, partial=True)
    print(f"some runs are missing; the partial report names them: {paths.report(plan.name)}/index.html")
