"""Run the jobs of a plan in this process, one after the other: the one executor beside Snakemake."""

from __future__ import annotations

import sys
from collections.abc import Callable
from graphlib import TopologicalSorter
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.commands.inspection import inspect
from reunlearn.commands.repair import repair
from reunlearn.stages.execution import execute
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.needed_files import words
from reunlearn.study.plan import Plan, write_specifications

Watch = Callable[
    [Job, int, int], None
]  # is told of each job before it runs: the job, its number, how many there are
Tolerate = Callable[[Job, Exception], bool]  # tells whether the plan goes on without a job that failed


def execute_plan(
    plan: Plan,
    watch: Watch = lambda job, number, count: None,
    tolerate: Tolerate = lambda job, error: False,
) -> set[Folder]:
    """Write the specifications and make every job that is not done, each after those that it reads.

    Returns:
        The folders of jobs that failed and were tolerated, and of those that read them.

    Raises:
        UserError: files are missing that nobody can fetch; a line for each.
    """
    if plan.missing:
        raise UserError("\n".join(words(plan.study.name, plan.missing)))
    states = inspect(plan, hashed=False)
    for line in repair(states):
        print(line, file=sys.stderr)
    write_specifications(plan.jobs.values())
    waiting = [job for job in in_order(plan) if states[job.folder].would_run]
    failed: set[Folder] = set()
    for number, job in enumerate(waiting, 1):
        if failed & set(job.inputs.folders()):
            failed.add(job.folder)
            continue
        watch(job, number, len(waiting))
        try:
            execute(job.stage, Path(job.folder) / paths.SPECIFICATION)
        except Exception as error:
            if not tolerate(job, error):
                raise
            failed.add(job.folder)
    return failed


def in_order(plan: Plan) -> list[Job]:
    """Return the jobs of a plan, each after those that it reads."""
    graph = {folder: job.inputs.folders() for folder, job in plan.jobs.items()}
    return [plan.jobs[folder] for folder in TopologicalSorter(graph).static_order()]
