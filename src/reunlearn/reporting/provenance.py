"""Where the numbers come from: commits, versions, devices, seconds; and what does not fit together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from reunlearn.study import paths


@dataclass(frozen=True)
class StageCost:
    """All jobs of one stage."""

    stage: str
    jobs: int
    seconds: float  # from the start of the job's work to its end, summed
    run_seconds: float  # of these, in training, unlearning, evaluating or attacking
    peak_memory_mib: float


@dataclass(frozen=True)
class Provenance:
    """What is told of the jobs of a study."""

    commits: tuple[tuple[str, bool, int], ...]  # commit, tracked files differed, jobs
    machines: tuple[tuple[str, str, int, int], ...]  # device, processor, threads, jobs
    versions: tuple[tuple[str, tuple[str, ...]], ...]  # package, versions
    stages: tuple[StageCost, ...]
    begun: str
    ended: str
    span_seconds: float | None
    warnings: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Seconds of all jobs together."""
        return sum(stage.seconds for stage in self.stages)


def gather(runs: dict[str, Any]) -> Provenance:
    """Return the provenance of all jobs in runs.json."""
    jobs = list(runs["jobs"].values())
    records = [job["record"] for job in jobs]
    commits = Counter((r["git"]["commit"] or "unknown", bool(r["git"]["dirty"])) for r in records)
    machines = Counter((r["device"], r["processor"], r["threads"]) for r in records)
    packages = sorted({name for r in records for name in r["versions"]})
    versions = tuple(
        (p, tuple(sorted({r["versions"][p] for r in records if p in r["versions"]}))) for p in packages
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


def _stages(jobs: list[dict[str, Any]]) -> tuple[StageCost, ...]:
    """Return the cost of each stage, in the order in which the study runs them."""
    grouped: dict[str, list[dict[str, Any]]] = {}
    for job in jobs:
        grouped.setdefault(job["stage"], []).append(job["record"])
    return tuple(
        StageCost(
            stage,
            len(records),
            sum(r["seconds"].get("total", 0.0) for r in records),
            sum(r["seconds"].get("run", 0.0) + r["seconds"].get("evaluate", 0.0) for r in records),
            max(r["peak_memory_mib"] for r in records),
        )
        for stage, records in sorted(grouped.items(), key=lambda item: list(paths.PATTERNS).index(item[0]))
    )


def _span(records: list[dict[str, Any]]) -> tuple[str, str, float | None]:
    """Return begin of the first job, end of the last, and the seconds between; records have whole seconds."""
    if not records:
        return "", "", None
    ends = [datetime.fromisoformat(r["finished"]) for r in records]
    begins = [
        e - timedelta(seconds=r["seconds"].get("total", 0.0)) for e, r in zip(ends, records, strict=True)
    ]
    form = "%Y-%m-%d %H:%M UTC"
    return min(begins).strftime(form), max(ends).strftime(form), (max(ends) - min(begins)).total_seconds()


def _warnings(
    commits: Counter, machines: Counter, versions: tuple[tuple[str, tuple[str, ...]], ...]
) -> tuple[str, ...]:
    found = []
    mixed = [f"{name} ({', '.join(several)})" for name, several in versions if len(several) > 1]
    if mixed:
        found.append(f"Jobs ran under different versions of {', '.join(mixed)}; results may differ in bits.")
    if any(dirty for _, dirty in commits):
        found.append(
            "Tracked files differed from the commit while some jobs ran; it alone does not reproduce them."
        )
    if len({commit for commit, _ in commits}) > 1:
        found.append("Jobs ran at several commits; each is made again only when its own code changes.")
    if len(machines) > 1:
        found.append("Jobs ran on different machines; times are only compared within one kind of them.")
    return tuple(found)
