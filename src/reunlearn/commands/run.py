"""Run a study in this process, job after job, without Snakemake: for debugging."""

from __future__ import annotations

from graphlib import TopologicalSorter
from pathlib import Path

from rich.console import Console

from reunlearn.artifacts.digest import job_digest
from reunlearn.base.files import read_json
from reunlearn.base.hashing import full_digest
from reunlearn.stages.execution import execute
from reunlearn.study import paths
from reunlearn.study.plan import Job, Plan, make_plan, write_specifications


def run(study: str, methods: list[str] | None, seeds: list[int] | None, debug: bool) -> None:
    """Make every job that is not done, in order.

    With `debug`, an exception opens a post-mortem debugger where it happened.
    """
    plan = make_plan(study, methods, seeds)
    write_specifications(plan)
    console = Console(stderr=True)
    waiting = [job for job in in_order(plan) if not is_done(job)]
    for number, job in enumerate(waiting, 1):
        console.print(f"[{number}/{len(waiting)}] {job.stage} {job.folder}", highlight=False, markup=False)
        try:
            execute(job.stage, Path(job.folder) / paths.SPECIFICATION)
        except Exception:
            if debug:
                import pdb
                import sys

                pdb.post_mortem(sys.exc_info()[2])
            raise


def in_order(plan: Plan) -> list[Job]:
    """Return the jobs of a plan, each after those that it reads."""
    order = TopologicalSorter({folder: job.input_folders for folder, job in plan.jobs.items()}).static_order()
    return [plan.jobs[folder] for folder in order]


def is_done(job: Job) -> bool:
    """Tell whether a job's manifest is of this specification and this code."""
    path = Path(job.folder) / paths.MANIFEST
    if not path.exists():
        return False
    manifest = read_json(path)
    wanted = {"specification": full_digest(job.document), "code": job_digest(job.stage, job.modules)}
    return all(manifest[key] == value for key, value in wanted.items())
