"""The runs of a study: how many, which are done, what would run and why, what disk they take."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.commands.inspection import State, inspect
from reunlearn.storage.snapshot import leaves_out, policy
from reunlearn.study import paths
from reunlearn.study.plan import make_plan

MIB = 2**20


def run(
    study: str,
    methods: list[str] | None = None,
    seeds: list[int] | None = None,
    why: bool = False,
    json: bool = False,
) -> int:
    """Print the plan of a study; with `why`, the reason of every job that would run."""
    found = describe(study, methods, seeds)
    if json:
        print(json_format.dumps(found, indent=1))
    else:
        show(found, why)
    return 0


def describe(study: str, methods: list[str] | None = None, seeds: list[int] | None = None) -> dict[str, Any]:
    """Return counts and bytes per stage, and every job with its state and the reason why it would run.

    Files are looked for, not hashed: `verify` does that.
    """
    plan = make_plan(study, methods, seeds)
    states = inspect(plan, hashed=False)
    stages = list(dict.fromkeys(job.stage for job in plan.jobs.values()))
    return {
        "study": study,
        "runs": len(plan.rows),
        "stages": [_stage(stage, [s for s in states.values() if s.job.stage == stage]) for stage in stages],
        "weights": policy(),
        "jobs": [_job(state) for state in states.values()],
    }


def _job(state: State) -> dict[str, Any]:
    about = {"folder": state.job.folder, "stage": state.job.stage, "state": state.name}
    return {**about, "would_run": state.would_run, "why": reasons(state)}


def reasons(state: State) -> list[str]:
    """Return why a job would run."""
    if state.name == "missing":
        return ["never made"]
    return [str(problem) for problem in state.problems] or ([state.because] if state.because else [])


def _stage(stage: str, states: list[State]) -> dict[str, Any]:
    """Return counts of one stage, bytes on disk, bytes to come (None: nothing to estimate from), bytes kept."""
    sizes = [_bytes(s) for s in states if s.name != "missing"]
    measured = [on_disk for on_disk, _ in sizes]
    missing = sum(s.name == "missing" for s in states)
    return {
        "stage": stage,
        "jobs": len(states),
        "done": sum(not s.would_run for s in states),
        "missing": missing,
        "again": sum(s.would_run and s.name != "missing" for s in states),
        "bytes": sum(measured),
        "bytes_to_come": _estimate(missing, measured),
        "bytes_in_snapshot": sum(kept for _, kept in sizes),
    }


def _estimate(missing: int, measured: list[int]) -> int | None:
    """Return the bytes that missing jobs will take, from the mean of those that are there."""
    if not missing:
        return 0
    return round(missing * sum(measured) / len(measured)) if measured else None


def _bytes(state: State) -> tuple[int, int]:
    """Return the bytes of a job's own files, and of those that a snapshot keeps; prepared data count here."""
    folder, keeps = Path(state.job.folder), policy()
    manifest = read_manifest(folder)
    names = [*(manifest["outputs"] if manifest else ()), paths.MANIFEST, paths.RECORD, paths.SPECIFICATION]
    files = [folder / name for name in names]
    if state.job.stage == "prepare":
        files += [p for p in Path(paths.data(state.job.specification["dataset"])).rglob("*") if p.is_file()]
    sizes = {p.as_posix(): p.stat().st_size for p in files if p.exists()}
    return sum(sizes.values()), sum(size for name, size in sizes.items() if not leaves_out(name, keeps))


def show(found: dict[str, Any], why: bool) -> None:
    """Print a table with one line per stage, and the reasons if they are asked for."""
    console = Console(highlight=False, soft_wrap=True)
    if why:
        for job in found["jobs"]:
            if job["would_run"]:
                console.print(f"{job['stage']} {job['folder']}", markup=False)
                for reason in job["why"]:
                    console.print(f"    {reason}", markup=False)
    columns = ("jobs", "done", "missing", "again", "bytes", "bytes_to_come", "bytes_in_snapshot")
    headings = (
        "stage",
        "jobs",
        "done",
        "missing",
        "to make again",
        "MiB on disk",
        "MiB to come",
        "MiB in a snapshot",
    )
    table = Table(title=f"{found['study']}: {found['runs']} runs", title_justify="left", show_footer=True)
    totals = {c: sum(stage[c] or 0 for stage in found["stages"]) for c in columns}
    table.add_column("stage", footer="all")
    for column, heading in zip(columns, headings[1:], strict=True):
        table.add_column(heading, justify="right", footer=_number(column, totals[column]))
    for stage in found["stages"]:
        table.add_row(stage["stage"], *[_number(column, stage[column]) for column in columns])
    console.print(table)
    console.print(
        f"weights in a snapshot: {found['weights']}; DVC's cache holds a second copy of what it keeps"
    )


def _number(column: str, value: int | None) -> str:
    if value is None:
        return "unknown"
    return f"{value / MIB:.1f}" if column.startswith("bytes") else str(value)
