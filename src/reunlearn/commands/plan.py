"""The runs of a study: how many, which are done, what would run and why, what disk they take. Writes nothing."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.commands.inspection import Name, State, inspect
from reunlearn.commands.printing import MIB, console, print_json
from reunlearn.storage.snapshot import Policy, leaves_out, policy
from reunlearn.study import asked, paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import PrepareJob
from reunlearn.study.plan import make_plans
from reunlearn.study.stages import STAGES


@dataclass(frozen=True)
class StageLine:
    """The jobs of one stage.

    Attributes:
        stage: name.
        jobs: how many there are.
        done: of them, that would not run.
        missing: never made.
        again: made, but would run again.
        bytes: on disk.
        bytes_to_come: that missing jobs will take; None where there is nothing to estimate it from.
        bytes_in_snapshot: of those on disk, that a snapshot keeps.
    """

    stage: str
    jobs: int
    done: int
    missing: int
    again: int
    bytes: int
    bytes_to_come: int | None
    bytes_in_snapshot: int


@dataclass(frozen=True)
class JobLine:
    """One job: its state, and why it would run."""

    folder: Folder
    stage: str
    state: Name
    would_run: bool
    why: tuple[str, ...]


@dataclass(frozen=True)
class Overview:
    """What a study, or several, consist of. `weights`: those that a snapshot keeps; `missing_files`: a line each."""

    study: str
    runs: int
    stages: tuple[StageLine, ...]
    weights: Policy
    jobs: tuple[JobLine, ...]
    missing_files: tuple[str, ...] = ()


def run(
    study: str,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    why: bool = False,
    json: bool = False,
) -> int:
    """Print the plan of some studies; with `why`, the reason of every job that would run.

    Returns:
        1 where files are missing that nobody can fetch, each with a line; else 0.
    """
    overview = describe(study, methods, seeds)
    if json:
        print_json(overview)
    else:
        show(overview, why)
        for line in overview.missing_files:
            print(f"error: {line}", file=sys.stderr)
    return 1 if overview.missing_files else 0


def describe(study: str, methods: list[str] | None = None, seeds: list[int] | None = None) -> Overview:
    """Return counts and bytes per stage, and every job with its state and the reason why it would run.

    Files are looked for, not hashed: `verify` does that.
    """
    plans, keeps = make_plans(asked.studies(study), methods, seeds), policy()
    states = inspect(plans.jobs, hashed=False).values()
    by_stage = {stage: [s for s in states if s.job.stage == stage] for stage in STAGES}
    return Overview(
        study=study,
        runs=sum(len(plan.runs) for plan in plans.each),
        stages=tuple(_stage(stage, of, keeps) for stage, of in by_stage.items() if of),
        weights=keeps,
        jobs=tuple(
            JobLine(s.job.folder, s.job.stage, s.name, s.would_run, tuple(reasons(s))) for s in states
        ),
        missing_files=tuple(plans.missing_files),
    )


def reasons(state: State) -> list[str]:
    """Return why a job would run."""
    if state.name == "missing":
        return ["never made"]
    return [str(problem) for problem in state.problems] or ([state.because] if state.because else [])


def _stage(stage: str, states: list[State], keeps: Policy) -> StageLine:
    sizes = [_bytes(s, keeps) for s in states if s.name != "missing"]
    on_disk = [size for size, _ in sizes]
    missing = sum(s.name == "missing" for s in states)
    return StageLine(
        stage=stage,
        jobs=len(states),
        done=sum(not s.would_run for s in states),
        missing=missing,
        again=sum(s.would_run and s.name != "missing" for s in states),
        bytes=sum(on_disk),
        bytes_to_come=_estimate(missing, on_disk),
        bytes_in_snapshot=sum(kept for _, kept in sizes),
    )


def _estimate(missing: int, on_disk: list[int]) -> int | None:
    """Return the bytes that missing jobs will take, from the mean of those that are there."""
    if not missing:
        return 0
    return round(missing * sum(on_disk) / len(on_disk)) if on_disk else None


def _bytes(state: State, keeps: Policy) -> tuple[int, int]:
    """Return the bytes of a job's own files, and of those that a snapshot keeps; prepared data count here."""
    job, folder = state.job, Path(state.job.folder)
    manifest = read_manifest(folder)
    outputs = manifest.outputs if manifest else {}
    files = [folder / name for name in (*outputs, paths.MANIFEST, paths.RECORD, paths.SPECIFICATION)]
    if isinstance(job, PrepareJob):
        files += [p for p in Path(paths.data(job.dataset)).rglob("*") if p.is_file()]
    sizes = {p.as_posix(): p.stat().st_size for p in files if p.exists()}
    return sum(sizes.values()), sum(size for name, size in sizes.items() if not leaves_out(name, keeps))


COLUMNS = {
    "jobs": "jobs",
    "done": "done",
    "missing": "missing",
    "again": "to make again",
    "bytes": "MiB on disk",
    "bytes_to_come": "MiB to come",
    "bytes_in_snapshot": "MiB in a snapshot",
}


def show(overview: Overview, why: bool) -> None:
    """Print a table with one line per stage, and the reasons if they are asked for."""
    if why:
        for job in overview.jobs:
            if job.would_run:
                console().print(f"{job.stage} {job.folder}")
                for reason in job.why:
                    console().print(f"    {reason}")
    table = Table(title=f"{overview.study}: {overview.runs} runs", title_justify="left", show_footer=True)
    table.add_column("stage", footer="all", no_wrap=True)
    for column, heading in COLUMNS.items():
        total = sum(getattr(stage, column) or 0 for stage in overview.stages)
        table.add_column(heading, justify="right", footer=_number(column, total))
    for stage in overview.stages:
        table.add_row(stage.stage, *[_number(column, getattr(stage, column)) for column in COLUMNS])
    Console(highlight=False, soft_wrap=True).print(table)
    console().print(
        f"weights in a snapshot: {overview.weights}; DVC's cache holds a second copy of what it keeps"
    )


def _number(column: str, value: int | None) -> str:
    if value is None:
        return "unknown"
    return f"{value / MIB:.1f}" if column.startswith("bytes") else str(value)
