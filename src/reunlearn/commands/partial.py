"""After a failure: a report of what there is, which names the holes."""

from __future__ import annotations

from pathlib import Path

from reunlearn.stages.execution import execute
from reunlearn.study import paths
from reunlearn.study.plan import make_plan, write_specifications


def run(study: str, methods: list[str] | None = None, seeds: list[int] | None = None) -> None:
    """Write the results and the page from whatever runs exist; neither counts as done."""
    plan = make_plan(study, methods, seeds)
    write_specifications(plan.jobs.values())
    for stage, folder in (("aggregate", paths.results(plan.name)), ("report", paths.report(plan.name))):
        for stale in (paths.MANIFEST, paths.RECORD):
            (Path(folder) / stale).unlink(missing_ok=True)
        execute(stage, Path(folder) / paths.SPECIFICATION, partial=True)
    print(f"some runs are missing; the partial report names them: {paths.report(plan.name)}/index.html")
