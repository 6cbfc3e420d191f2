"""Run the jobs of a plan in this process, one after the other: the one executor beside Snakemake."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

from reunlearn.commands.inspection import inspect
from reunlearn.commands.repair import repair
from reunlearn.stages.execution import execute
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.plan import write_specifications

Watch = Callable[
    [Job, int, int], None
]  # is told of each job before it runs: the job, its number, how many there are
Tolerate = Callable[[Job, Exception], bool]  # tells whether the plan goes on without a job that failed


def execute_plan(
    jobs: Mapping[Folder, Job],
    watch: Watch = lambda job, number, count: None,
    tolerate: Tolerate = lambda job, error: False,
) -> set[Folder]:
    """Write the specifications of a plan and make every job that is not done, each after those that it reads.

    Returns:
        The folders of jobs that failed and were tolerated, and of those that read them.
    """
    states = inspect(jobs, hashed=False)
    for line in repair(states):
        print(line, file=sys.stderr)
    write_specifications(jobs.values())
    waiting = [job for job in in_order(jobs) if states[job.folder].would_run]
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


def in_order(jobs: Mapping[Folder, Job]) -> list[Job]:
    """Return the jobs of a plan, each after those that it reads."""
    graph = {folder: job.inputs.folders() for folder, job in jobs.items()}
    return [jobs[folder] for folder in TopologicalSorter(graph).static_order()]
