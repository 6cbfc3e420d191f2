# Helper functions: what is asked for, what runs; resources.smk has what jobs ask for, course.smk what goes around the
# jobs. Nothing here imports torch.

import os
import sys
import time
from functools import cache

from snakemake.exceptions import WorkflowError
from snakemake.settings.enums import Quietness
from snakemake.settings.types import DeploymentMethod, RerunTrigger

from reunlearn import worker
from reunlearn.base.errors import UserError
from reunlearn.base.gpu import has_gpu
from reunlearn.base.interval import checkpoint_seconds
from reunlearn.base.project import check_source
from reunlearn.base.side_by_side import CORES
from reunlearn.commands import running
from reunlearn.study import asked, paths
from reunlearn.study.stages import STAGES, followed, nearest, read_planned


def narrowed_to():
    """Return the methods and the seeds asked for on the command line; None for all of them."""
    return asked.parts(config.get("methods"), "methods"), asked.seeds(
        config.get("seeds")
    )


def known_config():
    """Refuse a configuration key that means nothing here."""
    known = {
        "study",
        "methods",
        "seeds",
        "device",
        "deterministic",
        "gpu_jobs",
        "verify",
    }
    for key in sorted(set(config) - known):
        raise UserError(
            f"unknown configuration key '{key}'; known: {', '.join(sorted(known))}"
        )


def load_plans():
    """Return the plans of the studies; a mistake in the configuration is one line, before any job starts."""
    from reunlearn.study.plan import make_plans

    try:
        check_source()
        known_config()
        asked.device(config.get("device"))
        asked.deterministic(config.get("deterministic"))
        asked.gpu_jobs(config.get("gpu_jobs"))
        checkpoint_seconds()
        if set("{}") & set(os.getcwd()):
            raise UserError(
                f"{os.getcwd()}: Snakemake cannot work in a folder with braces in its path"
            )
        if not os.access(".", os.W_OK):
            raise UserError(
                f"{os.getcwd()}: cannot be written; work in a copy of the project"
            )
        if workflow.resource_settings.cores == 0:
            raise UserError("CORES is 0; at least 1 is needed")
        if CONTAINED and not os.path.exists(IMAGE):
            raise UserError(
                f"{IMAGE}: no such file; build it: apptainer build {IMAGE} {IMAGE.replace('.sif', '.def')}"
            )
        return make_plans(
            asked.studies(config.get("study", "quickstart")), *narrowed_to()
        )
    except UserError as error:
        raise WorkflowError(str(error))


def missing_files():
    """Return a line for each file that a plan needs and nobody can fetch: such a plan is shown and not run."""
    return PLANS.missing_files if PLANS else []


@cache
def states():
    """Return the state of each job, and let Snakemake follow it: its own notes and the clocks decide nothing.

    Called by input functions: while the graph of jobs is built, and before it is looked at.
    """
    from reunlearn.commands.inspection import inspect

    if PLANS is None:
        return {}
    if workflow.dryrun:
        for line in (*PLANS.notes, *missing_files()):
            print(line, file=sys.stderr)
    else:
        running.register()
    found = inspect(PLANS.jobs, hashed=bool(config.get("verify")))
    dag = workflow.dag
    dag.forcefiles.update(
        f"{folder}/{paths.MANIFEST}"
        for folder, state in found.items()
        if state.would_run
    )
    dag.ignore_incomplete = True  # the manifest is the last file that a job writes
    workflow.dag_settings.rerun_triggers = frozenset({RerunTrigger.MTIME})
    shorten_dry_run()
    return found


def shorten_dry_run():
    """Let a dry run that prints no jobs end with its table of jobs: half of its time went into going through them."""
    settings = workflow.output_settings
    if workflow.dryrun and settings.quiet == {Quietness.RULES}:
        settings.quiet = {Quietness.RULES, Quietness.PROGRESS}


STARTED = time.time()
NOT_TRACKED = 3  # exit code: the study is complete, but not logged
IMAGE = "workflow/container/reunlearn.sif"
CONTAINED = DeploymentMethod.APPTAINER in workflow.deployment_settings.deployment_method
if CONTAINED:
    worker.stay_cold()
if workflow.is_main_process:
    worker.launch_early()
# a job's own process, on a cluster's node, reads the job's specification and plans nothing
PLANS = load_plans() if workflow.is_main_process else None
CLUSTER = workflow.remote_exec or not workflow.local_exec


def device():
    """Return what DEVICE asks for; a submit host cannot tell what the nodes have, so auto is the CPU there."""
    chosen = asked.device(config.get("device"))
    return "cpu" if chosen == "auto" and CLUSTER else chosen


DEVICE = device()
MAY_HAVE_GPU = DEVICE == "cuda" or (DEVICE == "auto" and has_gpu())
# the type that the profile asks for: of jobs that use a GPU, and of no others
GPU_MODEL = dict(
    entry.split("=", 1)
    for entry in getattr(
        workflow.resource_settings._parsed_default_resources, "args", []
    )
).get("gpu_model")
# a profile that submits jobs says how many at a time; on one machine groups mean nothing and cost time
MAY_BE_GROUPED = CLUSTER or workflow.resource_settings.nodes is not None
GPU_JOBS = asked.gpu_jobs(config.get("gpu_jobs"))
if not CLUSTER and "gpu" in workflow.global_resources:
    # the profile counts GPUs; a job takes one slot of one
    workflow.global_resources["gpu"] = workflow.global_resources["gpu"].value * GPU_JOBS
worker.announce(
    DEVICE,
    CONTAINED,
    deterministic=asked.deterministic(config.get("deterministic")),
    gpu_jobs=GPU_JOBS,
)
# how many processes a report may take; on a cluster's login node a single one
os.environ[CORES] = "" if CLUSTER else str(workflow.resource_settings.cores or "")
# on a cluster these run where Snakemake runs: they are quick, or need the network or the tracking store
workflow.localrules("all", *(name for name, stage in STAGES.items() if stage.local))


def final_outputs(wildcards):
    """Return what `rule all` asks for; a job's own process never asks."""
    states()
    return [
        f"{folder(plan.name)}/{paths.MANIFEST}"
        for plan in (PLANS.each if PLANS else ())
        for folder in (paths.results, paths.report, paths.tracking)
    ]


def folders(stage):
    """Return the regular expression of a stage's folders."""
    return STAGES[stage].folder


@cache
def planned(folder):
    """Return the job that makes a folder."""
    if PLANS is None:
        return read_planned(folder)
    if folder not in PLANS.jobs:
        raise WorkflowError(f"{folder} belongs to no run of '{PLANS.name}'")
    return PLANS.jobs[folder]


def job_of(wildcards):
    """Return the job of a rule's wildcards."""
    return planned(wildcards.run)


def inputs(wildcards):
    """Return the manifests of what a job reads: what will not be made again is no reason to run, whatever its date.

    What is read by another folder that it reads is left out: the order is the same, and Snakemake looks at half as
    many files. The other files are compared with these by the plan, and once more by the job itself.
    """
    if workflow.remote_exec:
        begin_cluster_job()
    job, known = job_of(wildcards), states()
    read = nearest(job, PLANS.jobs) if PLANS else followed(job)
    return [
        (
            f"{folder}/{paths.MANIFEST}"
            if folder in known and known[folder].would_run
            else ancient(f"{folder}/{paths.MANIFEST}")
        )
        for folder in read
    ]


def ignored(wildcards):
    """Return the manifests of what it reads but does not follow."""
    job = job_of(wildcards)
    return [
        f"{getattr(job.inputs, role)}/{paths.MANIFEST}"
        for role in STAGES[job.stage].ignores
    ]


def is_batch():
    """Tell whether this is a process of a cluster's job that makes several."""
    settings = workflow.group_settings
    return (
        workflow.remote_exec
        and settings.local_groupid != type(settings)().local_groupid
    )


class Unmade(set):
    """The files that a job of a cluster makes whether they are there or not; those that an earlier try made are left."""

    def __init__(self, files, made):
        super().__init__(files - made)
        self.made = made

    def update(self, *files):
        super().update(*(set(some) - self.made for some in files))


@cache
def begin_cluster_job():
    """In a job of a cluster: after an interruption or a failure leave what is made; let a batch go on after a failure.

    Called by input functions, as the first thing that is called when all settings are known. Two processes come here:
    the job's own, which starts the warm worker, and that of its step, which runs what is in the batch one by one.
    """
    if workflow.execution_settings.attempt > 1 or "SLURM_RESTART_COUNT" in os.environ:
        from reunlearn.commands.inspection import unmade

        targets = {
            target.wildcards_dict["run"] for target in workflow.dag_settings.target_jobs
        }
        left = unmade({folder: planned(folder) for folder in targets})
        made = {f"{folder}/{paths.MANIFEST}" for folder in targets.difference(left)}
        workflow.dag.forcefiles = Unmade(workflow.dag.forcefiles, made)
    if is_batch():
        workflow.execution_settings.keep_going = True
        workflow.group_settings.group_components = {BATCH: sys.maxsize}
        if workflow.local_exec:
            workflow.global_resources["_cores"] = 1
        else:
            worker.start()
