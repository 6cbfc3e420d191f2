"""What jobs ask a cluster for, and which of them it runs as one; `reunlearn plan --slurm` tells how long those are."""

from __future__ import annotations

import math
import statistics
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from reunlearn.base.hashing import short_digest
from reunlearn.commands.costs import Costs
from reunlearn.study.batches import Batch, batches
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job, MeasureJob
from reunlearn.study.stages import STAGES

MARGIN = 10  # minutes that a job may take over its share, for starting and for slow file systems
TIMES = 4  # as long as is expected a job may take
MINUTE = 60


class Requests:
    """What the jobs of a plan ask for.

    Args:
        jobs: of the plan.
        wanted: those that would run.
        costs: what they are expected to take.
    """

    def __init__(self, jobs: Mapping[Folder, Job], wanted: Collection[Folder], costs: Costs) -> None:
        self.jobs, self.costs = jobs, costs
        self.batches = batches(jobs, wanted, {folder: self._seconds(folder) for folder in wanted})
        self.batch_of: dict[Folder, Batch] = {f: batch for batch in self.batches for f in batch}

    def group(self, folder: Folder) -> str | None:
        """Return the name of a job's batch; None where it is alone."""
        batch = self.batch_of.get(folder, ())
        return f"batch-{short_digest(batch)}" if len(batch) > 1 else None

    def sizes(self) -> dict[str, int]:
        """Return how many jobs each batch has."""
        return {name: len(batch) for batch in self.batches if (name := self.group(batch[0]))}

    def memory_mib(self, folder: Folder) -> int:
        """Return the memory of a job: as records of it say, else as the plan estimates it."""
        job = self.jobs[folder]
        return self.costs.of(job).mib or job.memory_mib

    def minutes(self, folder: Folder) -> int:
        """Return the time limit of a job; of a batch they add up: the first has the margin, fractions go on."""
        batch = self.batch_of.get(folder, (folder,))
        before = sum(self._share(f) for f in batch[: batch.index(folder)])
        end = math.ceil(MARGIN + before + self._share(folder))
        return end - math.ceil(MARGIN + before) if folder != batch[0] else end

    def _share(self, folder: Folder) -> float:
        """Return the minutes that a job may take; of unknown length one per epoch and model, and twenty."""
        job, seconds = self.jobs[folder], self._seconds(folder)
        if seconds is not None:
            return TIMES * seconds / MINUTE
        if STAGES[job.stage].share == "evaluating":
            cap = job.measure.settings.get("cap") if isinstance(job, MeasureJob) else None
            return 10 + (cap if isinstance(cap, int) else 0)
        training = getattr(job, "training", None)
        return 20 + (training.recipe.epochs if training else 0) * getattr(job, "count", 1)

    def _seconds(self, folder: Folder) -> float | None:
        return self.costs.of(self.jobs[folder]).seconds

    def lengths(self) -> Lengths:
        """Return how long the jobs of a cluster are expected to take."""
        told = [[self._seconds(folder) for folder in batch] for batch in self.batches]
        known = sorted(sum(s for s in seconds if s is not None) for seconds in told if None not in seconds)
        return Lengths(len(self.batch_of), len(told), len(told) - len(known), tuple(known))


@dataclass(frozen=True)
class Lengths:
    """How long the jobs of a cluster are expected to take.

    Attributes:
        jobs: that are submitted; the others run where Snakemake does.
        batches: jobs of the cluster that make them.
        unknown: of these, of which a part was never measured.
        seconds: of the others, ascending.
    """

    jobs: int
    batches: int
    unknown: int
    seconds: tuple[float, ...]

    def lines(self) -> Iterator[str]:
        """Yield what is to be said of it."""
        yield f"on Slurm: {self.jobs} jobs in {self.batches} Slurm jobs, of which {self.unknown} of unknown length"
        if self.seconds:
            median, short = statistics.median(self.seconds), sum(s < 5 * MINUTE for s in self.seconds)
            yield (
                f"minutes of those of known length: {median / MINUTE:.1f} (median), {self.seconds[0] / MINUTE:.1f} to "
                f"{self.seconds[-1] / MINUTE:.1f}; {short} are shorter than 5"
            )
