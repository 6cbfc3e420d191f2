# What jobs ask for: memory, time, GPUs, and which of them a cluster runs as one. Nothing here imports torch.

import math
from functools import cache

from reunlearn.base.hashing import short_digest
from reunlearn.study import paths
from reunlearn.study.stages import STAGES


def gpu(wildcards):
    """Return the number of GPUs a job asks for where there may be one: one if it computes with torch."""
    return int(getattr(job_of(wildcards), "training", None) is not None)


@cache
def costs():
    """Return what jobs are expected to take; a job's own process, which has been given its share, does not ask."""
    from reunlearn.commands.costs import Costs, read_records

    made = [state.job for state in states().values() if state.manifest]
    return Costs(PLANS.jobs, read_records(made), "cuda" if MAY_HAVE_GPU else "cpu")


@cache
def expected(folder):
    """Return what the job of a folder is expected to take; None where nobody knows."""
    return costs().of(planned(folder)) if PLANS else None


def memory(wildcards, attempt):
    """Return the memory of a job in MB: as records of it say, else as the plan estimates it; more at each attempt."""
    job = job_of(wildcards)
    told = expected(job.folder)
    return (told.mib if told and told.mib else job.memory_mib) * attempt


def minutes(wildcards, attempt):
    """Return the time limit of a job: four times what it is expected to take, and ten minutes; more at each attempt.

    A job that cannot be predicted gets a minute per epoch.
    """
    job = job_of(wildcards)
    told = expected(job.folder)
    if told and told.seconds is not None:
        return (10 + math.ceil(4 * told.seconds / 60)) * attempt
    if STAGES[job.stage].share == "evaluating":
        cap = job.measure.settings.get("cap", 0) if job.stage == "measure" else 0
        return (10 + cap) * attempt
    epochs = job.training.recipe.epochs if hasattr(job, "training") else 0
    return (30 + epochs * getattr(job, "count", 1)) * attempt


def row(wildcards):
    """Return the group of a run's measurements, quick jobs which a cluster runs as one; None for no group.

    One that fails takes its whole group with it: hence never more than a run, and not the costly unlearning. A
    measurement that reads another run's outputs stays alone: groups must not wait for each other.
    """
    job = job_of(wildcards)
    if job.inputs.reference or job.inputs.original:
        return None
    return f"run-{short_digest(paths.run_of(wildcards.run))}"
