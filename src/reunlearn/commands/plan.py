"""The runs of a study: which are done, what would run and why, what time, memory and disk it takes. Writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.base.memory import available
from reunlearn.commands.costs import Costs, Expected, read_records
from reunlearn.commands.duration import HOUR, Cost, Machine, total
from reunlearn.commands.inspection import Name, State, inspect
from reunlearn.commands.printing import MIB, console, print_json
from reunlearn.commands.requests import Lengths, Requests
from reunlearn.storage.snapshot import Policy, leaves_out, policy
from reunlearn.study import asked, paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import PrepareJob
from reunlearn.study.plan import Plans, make_plans
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
        seconds: that jobs which would run are expected to take; None where nothing is known of any.
        unknown: jobs that would run and of which nothing is known.
        extrapolated: jobs of which a network of another size was measured.
        memory_mib: that one of them may take.
    """

    stage: str
    jobs: int
    done: int
    missing: int
    again: int
    bytes: int
    bytes_to_come: int | None
    bytes_in_snapshot: int
    seconds: float | None
    unknown: int
    extrapolated: int
    memory_mib: int

    @property
    def to_run(self) -> int:
        """Jobs that would run."""
        return self.missing + self.again


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
    """What a study, or several, consist of.

    Attributes:
        study: name.
        runs: how many there are.
        stages: what each has to do.
        weights: those that a snapshot keeps.
        jobs: how many there are.
        states: of each of them.
        cost: of all that would run.
        slurm: how long the jobs of a cluster would be that make them.
        notes: on models of the user's own, a line each.
        missing_files: that nobody can fetch, a line each.
        short_memory: a line per stage that is expected to take more than is free here.
    """

    study: str
    runs: int
    stages: tuple[StageLine, ...]
    weights: Policy
    jobs: int
    states: tuple[JobLine, ...]
    cost: Cost
    slurm: Lengths
    notes: tuple[str, ...] = ()
    missing_files: tuple[str, ...] = ()
    short_memory: tuple[str, ...] = ()


def run(
    study: str,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    *,
    why: bool = False,
    slurm: bool = False,
    json: bool = False,
    machine: Machine | None = None,
) -> int:
    """Print the plan of some studies; with `why`, the reason of every job that would run; with `slurm`, how long jobs
    of a cluster would be.

    Returns:
        1 where files are missing that nobody can fetch, each with a line; else 0.
    """
    overview = describe(study, methods, seeds, machine)
    if json:
        print_json(overview)
    else:
        show(overview, why)
        for line in overview.slurm.lines() if slurm else ():
            console().print(line)
    for line in overview.short_memory:
        print(f"warning: {line}", file=sys.stderr)
    for line in overview.missing_files:
        print(f"error: {line}", file=sys.stderr)
    return 1 if overview.missing_files else 0


def describe(
    study: str,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    machine: Machine | None = None,
) -> Overview:
    """Return counts and bytes per stage, and every job with its state and the reason why it would run.

    Files are looked for, not hashed: `verify` does that.
    """
    return describe_plans(make_plans(asked.studies(study), methods, seeds), study, machine)


def describe_plans(plans: Plans, study: str, machine: Machine | None = None) -> Overview:
    """Return what `describe` does of plans that are made already; `study`: as it was named."""
    keeps, found = policy(), inspect(plans.jobs, hashed=False)
    states = found.values()
    machine = machine or Machine()
    records = read_records(s.job for s in states if s.manifest)
    costs = Costs(plans.jobs, records, machine.device)
    waiting = {s.job.folder: costs.of(s.job) for s in states if s.would_run}
    by_stage = {stage: [s for s in states if s.job.stage == stage] for stage in STAGES}
    stages = tuple(_stage(stage, of, keeps, waiting) for stage, of in by_stage.items() if of)
    return Overview(
        study=study,
        runs=sum(len(plan.runs) for plan in plans.each),
        stages=stages,
        weights=keeps,
        jobs=len(found),
        states=tuple(
            JobLine(s.job.folder, s.job.stage, s.name, s.would_run, tuple(reasons(s))) for s in states
        ),
        cost=total(plans.jobs, waiting, machine),
        slurm=Requests(plans.jobs, waiting, costs).lengths(),
        notes=tuple(plans.notes),
        missing_files=tuple(plans.missing_files),
        short_memory=short_memory(stages, available() // MIB) if machine.device == "cpu" else (),
    )


def short_memory(stages: Iterable[StageLine], free_mib: int) -> tuple[str, ...]:
    """Return a line per stage of which a job is expected to take more memory than is free on this machine."""
    return tuple(
        f"a job of stage '{stage.stage}' is expected to take {stage.memory_mib} MiB of memory, and {free_mib} MiB are "
        "free here; free some, give the recipe a smaller batch_size, or run it on a larger machine"
        for stage in stages
        if stage.to_run and stage.memory_mib > free_mib
    )


def reasons(state: State) -> list[str]:
    """Return why a job would run."""
    if state.name == "missing":
        return ["never made"]
    return [str(problem) for problem in state.problems] or ([state.because] if state.because else [])


def _stage(stage: str, states: list[State], keeps: Policy, waiting: Mapping[Folder, Expected]) -> StageLine:
    sizes = [_bytes(s, keeps) for s in states if s.name != "missing"]
    on_disk = [size for size, _ in sizes]
    missing = [waiting[s.job.folder] for s in states if s.name == "missing"]
    expected = [waiting[s.job.folder] for s in states if s.would_run]
    known = [e.seconds for e in expected if e.seconds is not None]
    memory = [
        e.mib or s.job.memory_mib for s, e in zip([s for s in states if s.would_run], expected, strict=True)
    ]
    return StageLine(
        stage=stage,
        jobs=len(states),
        done=sum(not s.would_run for s in states),
        missing=len(missing),
        again=sum(s.would_run and s.name != "missing" for s in states),
        bytes=sum(on_disk),
        bytes_to_come=_estimate(missing, on_disk),
        bytes_in_snapshot=sum(kept for _, kept in sizes),
        seconds=sum(known) if known or not expected else None,
        unknown=len(expected) - len(known),
        extrapolated=sum(e.extrapolated for e in expected if e.seconds is not None),
        memory_mib=max(memory, default=0),
    )


def _estimate(missing: list[Expected], on_disk: list[int]) -> int | None:
    """Return the bytes that missing jobs will take: from the mean of those that are there, else as is expected."""
    if not missing:
        return 0
    if on_disk:
        return round(len(missing) * sum(on_disk) / len(on_disk))
    expected = [e.bytes for e in missing if e.bytes is not None]
    return sum(expected) if len(expected) == len(missing) else None


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
EXPECTED = {
    "to_run": "jobs to run",
    "seconds": "hours",
    "memory_mib": "MiB of memory",
    "extrapolated": "extrapolated",
    "unknown": "unknown",
}


def show(overview: Overview, why: bool) -> None:
    """Print a line per stage, and the reasons if they are asked for; then what would run, and what it takes."""
    if why:
        for job in overview.states:
            if job.would_run:
                console().print(f"{job.stage} {job.folder}")
                for reason in job.why:
                    console().print(f"    {reason}")
    _print(f"{overview.study}: {overview.runs} runs", overview.stages, COLUMNS)
    console().print(
        f"weights in a snapshot: {overview.weights}; DVC's cache holds a second copy of what it keeps"
    )
    waiting = [stage for stage in overview.stages if stage.to_run]
    if waiting:
        _print("what would run", waiting, EXPECTED)
    for line in (*overview.cost.lines(), *overview.notes):
        console().print(line)


def _print(title: str, stages: Sequence[StageLine], columns: Mapping[str, str]) -> None:
    table = Table(title=title, title_justify="left", show_footer=True)
    table.add_column("stage", footer="all", no_wrap=True)
    for column, heading in columns.items():
        values = [getattr(stage, column) or 0 for stage in stages]
        whole = max(values) if column == "memory_mib" else sum(values)
        table.add_column(heading, justify="right", footer=_number(column, whole))
    for stage in stages:
        table.add_row(stage.stage, *[_number(column, getattr(stage, column)) for column in columns])
    Console(highlight=False, soft_wrap=True).print(table)


def _number(column: str, value: float | None) -> str:
    if value is None:
        return "unknown"
    if column == "seconds":
        return f"{value / HOUR:.2f}"
    return f"{value / MIB:.1f}" if column.startswith("bytes") else str(round(value))
