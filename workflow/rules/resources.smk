# What jobs ask for: memory, time, cores, GPUs, and which of them a cluster runs as one. Nothing here imports torch.

from functools import cache

from reunlearn.commands.duration import Machine, on_gpu
from reunlearn.study.stages import STAGES

BATCH = "batch"  # the name of a batch within its own job


def gpu(wildcards):
    """Return the number of GPUs a job asks for where there may be one: one if it computes with torch."""
    return int(on_cuda(wildcards.run))


def on_cuda(folder):
    """Tell whether a job uses a GPU where there is one."""
    return on_gpu(planned(folder), Machine("cuda"))


def gpu_model(wildcards):
    """Return the type of GPU that the profile wants, where a job or its batch asks for one; a step takes what it gets."""
    if not PLANS:
        return ""
    batch = requests().batch_of.get(wildcards.run, (wildcards.run,))
    return GPU_MODEL if any(map(on_cuda, batch)) else ""


@cache
def requests():
    """Return what jobs ask for; a job's own process, which has been given its share, does not ask."""
    from reunlearn.commands.costs import Costs, read_records
    from reunlearn.commands.requests import Requests

    made = [state.job for state in states().values() if state.manifest]
    costs = Costs(PLANS.jobs, read_records(made), "cuda" if MAY_HAVE_GPU else "cpu")
    wanted = {folder for folder, state in states().items() if state.would_run}
    asked_for = Requests(PLANS.jobs, wanted, costs)
    # Snakemake would make a job of each part of a batch that hangs together
    workflow.group_settings.group_components = asked_for.sizes()
    return asked_for


def memory(wildcards, attempt):
    """Return the memory of a job in MB; more at each attempt."""
    job = job_of(wildcards)
    return (requests().memory_mib(job.folder) if PLANS else job.memory_mib) * attempt


def minutes(wildcards, attempt):
    """Return the time limit of a job; more at each attempt."""
    return (requests().minutes(wildcards.run) if PLANS else 10) * attempt


def cpus(wildcards):
    """Return the cores of a job: the threads of its specification, which its results depend on."""
    return job_of(wildcards).threads


def batch(wildcards):
    """Return the name of the batch that a cluster runs a job in; None for a job of its own."""
    if PLANS:
        return requests().group(wildcards.run)
    return BATCH if is_batch() else None
