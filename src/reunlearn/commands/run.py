"""Run studies in this process, job after job, without Snakemake: for debugging."""

from __future__ import annotations

from rich.console import Console

from reunlearn.base.errors import UserError
from reunlearn.commands.execute_plan import execute_plan
from reunlearn.study import asked
from reunlearn.study.jobs import Job
from reunlearn.study.plan import make_plans


def run(study: str, methods: list[str] | None, seeds: list[int] | None, debug: bool) -> None:
    """Make every job that is not done, in order.

    With `debug`, an exception opens a post-mortem debugger where it happened.

    Raises:
        UserError: files are missing that nobody can fetch; all are named.
    """
    console = Console(stderr=True)

    def watch(job: Job, number: int, count: int) -> None:
        console.print(f"[{number}/{count}] {job.stage} {job.folder}", highlight=False, markup=False)

    try:
        plans = make_plans(asked.studies(study), methods, seeds)
        if plans.missing_files:
            raise UserError("; ".join(plans.missing_files))
        for line in plans.notes:
            console.print(line, highlight=False, markup=False)
        execute_plan(plans.jobs, watch)
    except Exception:
        if debug:
            import pdb
            import sys

            pdb.post_mortem(sys.exc_info()[2])
        raise
