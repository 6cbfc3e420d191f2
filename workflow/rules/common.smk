# All helper functions; the other rule files hold rules only. Nothing here imports torch.

import subprocess
import sys

from snakemake.exceptions import WorkflowError
from snakemake.settings.types import GroupSettings

from reunlearn.base.hashing import short_digest
from reunlearn import worker
from reunlearn.artifacts.digest import job_digest
from reunlearn.study import paths
from reunlearn.base.errors import UserError
from reunlearn.study.plan import make_plan, write_specifications
from reunlearn.study.pools import KINDS as SHADOW_POOLS


def words(key):
    """Return a comma-separated configuration value as a list, None if it is absent or empty."""
    value = config.get(key)
    if value is None or value == "":
        return None
    return [part.strip() for part in str(value).split(",") if part.strip()]


def seed_list():
    """Return the seeds asked for on the command line."""
    try:
        return [int(seed) for seed in words("seeds")] if words("seeds") else None
    except ValueError:
        raise UserError(
            f"SEEDS is '{config['seeds']}'; write whole numbers with commas, such as 0,1"
        )


def known_config():
    """Refuse a configuration key that means nothing here."""
    known = {"study", "methods", "seeds", "device", "gpus"}
    for key in sorted(set(config) - known):
        raise UserError(
            f"unknown configuration key '{key}'; known: {', '.join(sorted(known))}"
        )


def load_plan():
    """Return the plan; a mistake in the configuration is one line, before any job starts."""
    try:
        known_config()
        plan = make_plan(
            config.get("study", "quickstart"), words("methods"), seed_list()
        )
        if workflow.is_main_process:
            write_specifications(plan)
        return plan
    except UserError as error:
        raise WorkflowError(str(error))


if workflow.is_main_process:
    worker.launch_early()
PLAN = load_plan()
CLUSTER = workflow.remote_exec or not workflow.local_exec


def device():
    """Return what DEVICE asks for; a submit host cannot tell what the nodes have, so auto is the CPU there."""
    asked = str(config.get("device", "auto"))
    return "cpu" if asked == "auto" and CLUSTER else asked


DEVICE = device()
worker.announce(DEVICE)


def final_outputs():
    """Return what `rule all` asks for."""
    name = PLAN.study.name
    return [
        f"{folder}/{paths.MANIFEST}"
        for folder in (paths.results(name), paths.report(name), paths.tracking(name))
    ]


def job_of(wildcards):
    """Return the planned job of a rule's wildcards."""
    folder = (
        f"runs/{wildcards.dataset}/prepared"
        if "dataset" in wildcards.keys()
        else wildcards.run
    )
    try:
        return PLAN.jobs[folder]
    except KeyError:
        raise WorkflowError(f"{folder} belongs to no run of study '{PLAN.study.name}'")


def specification(wildcards):
    """Return the specification file, written by the plan."""
    return f"{job_of(wildcards).folder}/{paths.SPECIFICATION}"


def manifests(wildcards):
    """Return the manifests of the jobs it reads: small files, compared by checksum."""
    return [f"{folder}/{paths.MANIFEST}" for folder in job_of(wildcards).input_folders]


def records(wildcards):
    """Return the records of the jobs it reads: only aggregate follows these."""
    return [f"{folder}/{paths.RECORD}" for folder in job_of(wildcards).input_folders]


def artifacts(wildcards):
    """Return the large files it reads, so that a missing one is noticed; their manifests tell of changes."""
    found = []
    for role, folder in job_of(wildcards).inputs.items():
        if role in ("original", "retrained", "model"):
            found.append(f"{folder}/model.safetensors")
        elif role in ("evaluation", "reference", "target"):
            found.append(f"{folder}/outputs.npz")
        elif role in SHADOW_POOLS:
            found += [f"{block}/outputs.npz" for block in folder]
        elif role == "data":
            found.append(f"data/{folder.split('/')[1]}/card.json")
    return found


def tracked_results(wildcards):
    """Return the manifest of the results that are logged."""
    return f"{job_of(wildcards).inputs['results']}/{paths.MANIFEST}"


def tracked_report(wildcards):
    """Return the manifest of the report that is logged."""
    return f"{job_of(wildcards).inputs['report']}/{paths.MANIFEST}"


def code(wildcards):
    """Return the digest of the code that the job runs."""
    job = job_of(wildcards)
    return job_digest(job.stage, job.modules)


def gpu(wildcards):
    """Return the number of GPUs a job asks for."""
    return 0 if DEVICE == "cpu" or (DEVICE == "auto" and not worker.has_gpu()) else 1


def memory(wildcards, attempt):
    """Return the memory of a torch job in MiB; a repeated attempt asks for more."""
    return 2000 * attempt


def minutes(wildcards, attempt):
    """Return the time limit of a torch job; a repeated attempt asks for more."""
    specification = job_of(wildcards).specification
    epochs = specification["training"]["recipe"]["epochs"]
    return (30 + epochs * specification.get("count", 1)) * attempt


def row(wildcards):
    """Return the group of a row's evaluation and attacks, quick jobs which a cluster runs as one; None for no group.

    One that fails takes its whole group with it: hence never more than a row, and not the costly unlearning. An
    attack that reads another row's evaluation stays alone: groups must not wait for each other.
    """
    if "reference" in job_of(wildcards).inputs:
        return None
    return f"row-{short_digest(paths.run_of(wildcards.run))}"


def start_group_worker():
    """Within a cluster job that runs a whole group, start a warm worker for it."""
    grouped = workflow.group_settings.local_groupid != GroupSettings().local_groupid
    if workflow.remote_exec and not workflow.local_exec and grouped:
        worker.start()


def prepare_local_run():
    """Before the jobs of this machine: start the warm worker, and lift the limit on job starts.

    With a limit, the scheduler of Snakemake 9.27 looks at all ready jobs again a second after each look, for ever: every
    finished job adds such a chain, and after some hundred jobs it does little else. A cluster's jobs start cold, or have
    their group's worker.
    """
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None
        worker.start()


def print_summary():
    """Say where the report is and where the time went."""
    if workflow.is_main_process and not workflow.touch:
        from reunlearn.commands import summary

        summary.run(PLAN)


def report_holes():
    """After a failure, write a partial report that names what is missing."""
    subprocess.run(
        [sys.executable, "-m", "reunlearn.cli", "partial", PLAN.study.name], check=False
    )


start_group_worker()
