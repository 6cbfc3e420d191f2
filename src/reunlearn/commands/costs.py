"""What the jobs of a plan are expected to take: the shipped calibration, set right by the records that are here.

A record of the same job on other seeds says most; then those of the same work on the same network, then those of any
work on that network. Each gives the ratio of what was measured to what was predicted; their median is the correction.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from reunlearn.artifacts.record import Record, read_record
from reunlearn.study.cards import Catalogue
from reunlearn.study.catalogue import catalogue
from reunlearn.study.cost import Calibration, Cost, Network, network_of, parameters_of, predict, shipped
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job, MeasureJob
from reunlearn.study.measuring import OUTPUTS
from reunlearn.study.stages import STAGES
from reunlearn.study.work import Work, work_of

PLAIN_SECONDS = 1.0  # of a job without a network that was never run here: reading and writing
SEEDS = re.compile(r"(split|train|seed)\d+")
HEADROOM = 1.3  # of memory over what was measured

Records = Mapping[Folder, Record]
Key = tuple[object, ...]


@dataclass(frozen=True)
class Expected:
    """What a job is expected to take.

    Attributes:
        seconds: on one thread, or on the GPU; None where nothing is known.
        extrapolated: from another network or kind of work than was measured.
        mib: most memory; None where the plan's own estimate is all there is.
        bytes: on disk; None where nothing is known.
    """

    seconds: float | None
    extrapolated: bool
    mib: int | None
    bytes: int | None


@dataclass(frozen=True)
class _Seen:
    """A job with a record: what was measured and what the calibration alone predicts."""

    keys: tuple[Key, ...]
    measured: float
    predicted: float
    mib: float | None


class Costs:
    """Expectations for the jobs of a plan.

    Args:
        jobs: of the plan, by folder.
        records: of those that were run.
        device: cpu or cuda; records of the other one say nothing.
        calibration: what to begin with.
        cards: of all plugins.
    """

    def __init__(
        self,
        jobs: Mapping[Folder, Job],
        records: Records,
        device: str = "cpu",
        calibration: Calibration | None = None,
        cards: Catalogue | None = None,
    ) -> None:
        self.jobs, self.device, self.cards = jobs, device, cards or catalogue()
        self.calibration = calibration or shipped()
        self.networks: dict[str, Network] = {}
        self.works: dict[Folder, Work | None] = {}
        seen = [self._seen(jobs[f], r) for f, r in records.items() if f in jobs and self._counts(jobs[f], r)]
        self.ratios = _medians((key, s.measured / s.predicted) for s in seen for key in s.keys)
        self.peaks: dict[Key, float] = {}
        for s in seen:
            if s.mib is not None:
                self.peaks[s.keys[0]] = max(self.peaks.get(s.keys[0], 0.0), s.mib)

    def of(self, job: Job) -> Expected:
        """Return what a job is expected to take."""
        cost, keys = self._predicted(job), self._keys(job)
        ratio = next((self.ratios[key] for key in keys if key in self.ratios), None)
        known = keys[0] in self.ratios
        peak = self.peaks.get(keys[0])
        mib = None if peak is None else round(HEADROOM * peak)
        if cost is None and ratio is None:
            return Expected(None, True, mib, self._bytes(job))
        seconds = (cost.seconds if cost else PLAIN_SECONDS) * (1.0 if ratio is None else ratio)
        return Expected(seconds, not known and (cost is None or cost.extrapolated), mib, self._bytes(job))

    def _bytes(self, job: Job) -> int | None:
        """Return what a job leaves: weights in single precision, outputs in half."""
        work = self._work(job)
        if work is None:
            return None
        outputs = work.models * sum(work.sets) * self.cards.datasets[work.training.dataset.name].classes * 2
        if job.stage == "shadow" or (isinstance(job, MeasureJob) and job.measure.name == OUTPUTS):
            return outputs
        parameters = parameters_of(self._network(work), self.calibration.units)
        return 4 * parameters if parameters and "model.safetensors" in STAGES[job.stage].files else None

    def _counts(self, job: Job, record: Record) -> bool:
        """Tell whether a record is of the device that is asked for; jobs without a network run on CPUs only."""
        return not self._work(job) or record.device.startswith(self.device)

    def _seen(self, job: Job, record: Record) -> _Seen:
        cost = self._predicted(job)
        predicted = max(cost.seconds if cost else PLAIN_SECONDS, 1e-6)
        return _Seen(self._keys(job), record.seconds.get("total", 0.0), predicted, record.peak_memory_mib)

    def _work(self, job: Job) -> Work | None:
        if job.folder not in self.works:
            self.works[job.folder] = work_of(job, self.jobs, self.cards.datasets)
        return self.works[job.folder]

    def _predicted(self, job: Job) -> Cost | None:
        work = self._work(job)
        if work is None:
            return Cost(PLAIN_SECONDS, False)
        return predict(work, self._network(work), self.device, self.calibration)

    def _network(self, work: Work) -> Network:
        short = work.training.short
        if short not in self.networks:
            self.networks[short] = network_of(work.training, self.cards)
        return self.networks[short]

    def _keys(self, job: Job) -> tuple[Key, ...]:
        """Return what a job shares with others: all but seeds, its work on its network, its network."""
        work = self._work(job)
        twin = ("twin", SEEDS.sub(r"\1", job.folder))
        if work is None:
            return (twin, ("stage", job.stage))
        network = self._network(work)
        if STAGES[job.stage].share == "evaluating":  # what attacks take says nothing of what training takes
            return (twin, ("work", work.key, network))
        return (twin, ("work", work.key, network), ("network", network))


def read_records(jobs: Iterable[Job]) -> dict[Folder, Record]:
    """Return the records that lie in the folders of some jobs."""
    found = ((job.folder, read_record(Path(job.folder))) for job in jobs)
    return {folder: record for folder, record in found if record is not None}


def _medians(pairs: Iterable[tuple[Key, float]]) -> dict[Key, float]:
    gathered: dict[Key, list[float]] = {}
    for key, value in pairs:
        gathered.setdefault(key, []).append(value)
    return {key: statistics.median(values) for key, values in gathered.items()}
