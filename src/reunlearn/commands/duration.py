"""What a whole plan takes: hours of cores and of GPUs, and how long that is on so many of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from typing import Literal

from reunlearn.base.errors import UserError
from reunlearn.commands.costs import Expected
from reunlearn.study.cost import shipped
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job
from reunlearn.study.stages import STAGES

HOUR = 3600
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True)
class Machine:
    """Where a plan is to run: `devices` of them, cores or GPUs."""

    device: str = "cpu"
    devices: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __post_init__(self) -> None:
        """Refuse what there is not."""
        if self.device not in DEVICES:
            raise UserError(f"device '{self.device}'; choose {' or '.join(DEVICES)}")
        if self.devices < 1:
            raise UserError(f"devices {self.devices}; at least 1 is needed")


@dataclass(frozen=True)
class Cost:
    """Of all jobs that would run.

    Attributes:
        machine: that they would run on.
        core_seconds: of jobs on CPUs.
        gpu_seconds: of jobs on GPUs.
        wall_seconds: at least, on so many devices: their share of the sum, or the longest chain of jobs.
        jobs: how many there are.
        unknown: of them, that are not counted above since nothing is known of them.
        extrapolated: of them, of which a network of another size was measured.
    """

    machine: Machine
    core_seconds: float
    gpu_seconds: float
    wall_seconds: float
    jobs: int
    unknown: int
    extrapolated: int

    def lines(self) -> Iterator[str]:
        """Yield what is to be said of it."""
        if not self.jobs:
            return
        devices, kind = self.machine.devices, "GPUs" if self.machine.device == "cuda" else "cores"
        yield (
            f"to come: {self.core_seconds / HOUR:.2f} core-hours, {self.gpu_seconds / HOUR:.2f} GPU-hours; "
            f"at least {self.wall_seconds / HOUR:.2f} hours on {devices} {kind}"
        )
        if self.extrapolated:
            yield f"{self.extrapolated} jobs are extrapolated: their network was measured in another size"
        if self.unknown:
            yield f"{self.unknown} jobs are not in these sums: nothing like them was measured on {self.machine.device}"
        yield "how far such predictions were from what was measured, before there is a record of a job's own kind:"
        for source, line in shipped().errors.items():
            yield f"  {source}: {line}"


def total(jobs: Mapping[Folder, Job], waiting: Mapping[Folder, Expected], machine: Machine) -> Cost:
    """Return what the jobs that would run take.

    Args:
        jobs: of the plan.
        waiting: those that would run, with what each is expected to take.
        machine: that they would run on.
    """
    sums: dict[Literal["core", "gpu"], float] = {"core": 0.0, "gpu": 0.0}
    for folder, expected in waiting.items():
        sums["gpu" if on_gpu(jobs[folder], machine) else "core"] += expected.seconds or 0.0
    share = (sums["gpu"] if machine.device == "cuda" else sums["core"]) / machine.devices
    return Cost(
        machine=machine,
        core_seconds=sums["core"],
        gpu_seconds=sums["gpu"],
        wall_seconds=max(share, _longest(jobs, waiting)),
        jobs=len(waiting),
        unknown=sum(e.seconds is None for e in waiting.values()),
        extrapolated=sum(e.extrapolated for e in waiting.values() if e.seconds is not None),
    )


def on_gpu(job: Job, machine: Machine) -> bool:
    """Tell whether a job would take a GPU."""
    return machine.device == "cuda" and STAGES[job.stage].gpu and getattr(job, "training", None) is not None


def _longest(jobs: Mapping[Folder, Job], waiting: Mapping[Folder, Expected]) -> float:
    """Return the seconds of the longest chain of jobs that wait for each other."""
    graph = {folder: [f for f in jobs[folder].inputs.folders() if f in waiting] for folder in waiting}
    end: dict[Folder, float] = {}
    for folder in TopologicalSorter(graph).static_order():
        before = max((end[f] for f in graph[folder]), default=0.0)
        end[folder] = before + (waiting[folder].seconds or 0.0)
    return max(end.values(), default=0.0)
