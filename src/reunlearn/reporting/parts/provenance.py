"""Where the numbers come from: commits, versions, devices, seconds; and what does not fit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from reunlearn.artifacts.gathered import JobResult
from reunlearn.artifacts.record import Record
from reunlearn.study.stages import STAGES

COMPUTING = ("run", "evaluate")  # sections of a record; a pool of shadow models has both


@dataclass(frozen=True)
class StageCost:
    """All jobs of one stage.

    Attributes:
        stage: name.
        jobs: how many.
        seconds: from the start of the job's work to its end, summed.
        run_seconds: of these, in training, unlearning or measuring.
        peak_memory_mib: of the job that held most; None where it is not known.
    """

    stage: str
    jobs: int
    seconds: float
    run_seconds: float
    peak_memory_mib: float | None


@dataclass(frozen=True)
class Provenance:
    """What the records of a study's jobs say.

    Attributes:
        commits: commit, whether tracked files differed from it, jobs.
        machines: device, processor, threads, "mixed" where that is the precision, jobs.
        versions: package, its versions.
        stages: in the order in which a study runs them.
        begun, ended: of the first and of the last job.
        span_seconds: between these two; None where nothing ran.
        warnings: sentences on what does not fit together.
    """

    commits: tuple[tuple[str, bool, int], ...]
    machines: tuple[tuple[str, str, int, str, int], ...]
    versions: tuple[tuple[str, tuple[str, ...]], ...]
    stages: tuple[StageCost, ...]
    begun: str
    ended: str
    span_seconds: float | None
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Seconds of all jobs together."""
        return sum(stage.seconds for stage in self.stages)


def gather(jobs: Iterable[JobResult]) -> Provenance:
    """Return the provenance of all finished jobs."""
    jobs = list(jobs)
    records = [job.record for job in jobs]
    commits = Counter((r.git.commit or "unknown", bool(r.git.dirty)) for r in records)
    machines = Counter(
        (r.device, r.processor, r.threads, "mixed" if r.precision == "mixed" else "") for r in records
    )
    packages = sorted({name for r in records for name in r.versions})
    versions = tuple(
        (name, tuple(sorted({r.versions[name] for r in records if name in r.versions}))) for name in packages
    )
    begun, ended, span = _span(records)
    return Provenance(
        commits=tuple((*key, count) for key, count in commits.most_common()),
        machines=tuple((*key, count) for key, count in machines.most_common()),
        versions=versions,
        stages=_stages(jobs),
        begun=begun,
        ended=ended,
        span_seconds=span,
        warnings=_warnings(commits, machines, versions),
    )


def _stages(jobs: Sequence[JobResult]) -> tuple[StageCost, ...]:
    """Return the cost of each stage, in the order in which the study runs them."""
    grouped: dict[str, list[Record]] = {name: [] for name in STAGES}
    for job in jobs:
        grouped[job.stage].append(job.record)
    return tuple(
        StageCost(
            stage,
            jobs=len(records),
            seconds=sum(r.seconds.get("total", 0.0) for r in records),
            run_seconds=sum(r.seconds.get(part, 0.0) for r in records for part in COMPUTING),
            peak_memory_mib=max(
                (r.peak_memory_mib for r in records if r.peak_memory_mib is not None), default=None
            ),
        )
        for stage, records in grouped.items()
        if records
    )


def _span(records: Sequence[Record]) -> tuple[str, str, float | None]:
    """Return begin of the first job, end of the last, and the seconds between; records have whole seconds."""
    if not records:
        return "", "", None
    ends = [datetime.fromisoformat(r.finished) for r in records]
    begins = [
        end - timedelta(seconds=r.seconds.get("total", 0.0)) for end, r in zip(ends, records, strict=True)
    ]
    form = "%Y-%m-%d %H:%M UTC"
    return min(begins).strftime(form), max(ends).strftime(form), (max(ends) - min(begins)).total_seconds()


def _warnings(
    commits: Counter[tuple[str, bool]],
    machines: Counter[tuple[str, str, int, str]],
    versions: tuple[tuple[str, tuple[str, ...]], ...],
) -> tuple[str, ...]:
    warnings = []
    mixed = [f"{name} ({', '.join(several)})" for name, several in versions if len(several) > 1]
    if mixed:
        warnings.append(
            f"Jobs ran under different versions of {', '.join(mixed)}; results may differ in bits."
        )
    if any(dirty for _, dirty in commits):
        warnings.append(
            "Tracked files differed from the commit while some jobs ran; it alone does not reproduce them."
        )
    if len({commit for commit, _ in commits}) > 1:
        warnings.append("Jobs ran at several commits; each is made again only when its own code changes.")
    if len({place[:3] for place in machines}) > 1:
        warnings.append("Jobs ran on different machines; times are only compared within one kind of them.")
    return tuple(warnings)
