"""After a failure: a report of what there is, which names the holes."""

from __future__ import annotations

from pathlib import Path

from reunlearn.stages.execution import execute
from reunlearn.study import paths
from reunlearn.study.plan import make_plan, write_specifications


def run(study: str) -> None:
    """Write the results and the page from whatever runs exist; neither counts as done.

    The specifications are those of the last plan, which may have been narrowed to some methods or seeds.
    """
    if not (Path(paths.results(study)) / paths.SPECIFICATION).exists():
        write_specifications(make_plan(study).jobs.values())
    for stage, folder in (("aggregate", paths.results(study)), ("report", paths.report(study))):
        for stale in (paths.MANIFEST, paths.RECORD):
            (Path(folder) / stale).unlink(missing_ok=True)
        execute(stage, Path(folder) / paths.SPECIFICATION, partial=True)
    print(f"some runs are missing; the partial report names them: {paths.report(study)}/index.html")
