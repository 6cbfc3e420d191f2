# The course of a run: what is done before its jobs, the line of progress while they run, what is said after them.

import subprocess
import sys
import time

from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness


def prepare_run():
    """Before the jobs: write what they are told, lift the limit on job starts; on this machine start the warm worker.

    With a limit, the scheduler of Snakemake 9.27 looks at all ready jobs again a second after each look, for ever: every
    finished job adds such a chain, and after some hundred jobs it does little else. The profile of a cluster limits how
    many jobs there are at a time.
    """
    from reunlearn.commands.repair import repair
    from reunlearn.study.plan import write_specifications

    if missing_files():
        raise WorkflowError("\n".join(missing_files()))
    if PLANS:
        for line in (*PLANS.notes, *repair(states())):
            print(line, file=sys.stderr)
        write_specifications(PLANS.jobs.values())
    workflow.scheduler.job_rate_limiter = None
    if workflow.local_exec:
        worker.start()
    show_progress()


def show_progress():
    """On a terminal draw how far the run is, in the place of the lines on each job, unless other lines are asked for."""
    global end_progress
    from snakemake.logging import logger

    from reunlearn.commands import progress_line

    if PLANS and workflow.output_settings.quiet == {Quietness.RULES}:
        end_progress = progress_line.show(logger, progress)


def progress():
    """Return what is to run, with what the cost model expects of it."""
    from reunlearn.commands.costs import PLAIN_SECONDS
    from reunlearn.commands.progress import Expected, Progress

    costs, jobs = requests().costs, {}
    for job in workflow.dag.needrun_jobs():
        if job.rule.name in STAGES:
            seconds = costs.of(planned(job.wildcards.run)).seconds
            jobs[job.jobid] = Expected(job.rule.name, seconds or PLAIN_SECONDS)
    at_once = workflow.resource_settings.nodes or workflow.resource_settings.cores
    return Progress(jobs, at_once, time.monotonic())


def end_progress():
    """There is no line of progress before it is shown."""


def print_summary():
    """Say where the report is and where the time went."""
    end_progress()
    if workflow.is_main_process and not workflow.touch:
        from reunlearn.commands import summary

        summary.run(PLANS)


def report_failures():
    """After a failure: say once more what failed and why, and write a report that names what is missing."""
    from reunlearn.commands import failures

    end_progress()
    if failures.show(PLANS, STARTED):
        sys.exit(NOT_TRACKED)
    command = [
        sys.executable,
        "-m",
        "reunlearn.cli",
        "partial",
        config.get("study", "quickstart"),
    ]
    methods, seeds = narrowed_to()
    command += [f"--method={method}" for method in methods or ()]
    command += [f"--seed={seed}" for seed in seeds or ()]
    subprocess.run(command, check=False)
