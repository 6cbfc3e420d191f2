"""One run: its specification, its state, its log, and the exact command that makes it."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from reunlearn.artifacts.record import Record, read_record
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.commands.each import plan_each
from reunlearn.commands.inspection import State, inspect
from reunlearn.commands.plan import reasons
from reunlearn.commands.printing import console, joined, print_json
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job, stage_name
from reunlearn.study.plan import Plan

TAIL = 15  # lines of the log
SHOWN = 8  # runs named when several fit
NO_STUDY = "no study in config/studies names it; `reunlearn gc` lists such runs"


@dataclass(frozen=True)
class Shown:
    """What is known of a run.

    Attributes:
        folder: of the run.
        studies: that name it.
        state: done, or what is wrong.
        why: it would run, or what is wrong with it.
        command: that makes it.
        specification: its written form.
        record: of the job that made it.
        log: path of the log.
        log_tail: its last lines.
    """

    folder: Folder
    studies: tuple[str, ...]
    state: str
    why: tuple[str, ...]
    command: str
    specification: dict[str, JsonValue]
    record: Record | None
    log: str
    log_tail: tuple[str, ...]


def run(name: str, json: bool = False) -> int:
    """Print what is known of a run; return 1 if something is wrong with it."""
    shown = describe(name)
    if json:
        print_json(shown)
    else:
        show(shown)
    return 0 if shown.state == "done" else 1


def describe(name: str) -> Shown:
    """Return what is known of a run.

    Args:
        name: the run's folder, a file in it, or a part of the folder's name that only one planned run has.
    """
    planned = plan_each()
    folder = find(name, planned.good.values())
    holders = [plan for plan in planned.good.values() if folder in plan.jobs]
    if holders:
        job = holders[0].jobs[folder]
        specification, stage = job.document(), job.stage
        state, why = _state(inspect(_needed(holders[0], folder), hashed=True)[folder])
    else:
        path = Path(folder) / paths.SPECIFICATION
        stage, specification = stage_name(path), read_json(path)
        unknown = [f"study '{study}' cannot be planned and may name it" for study in planned.failed]
        state, why = "in no study", unknown or [NO_STUDY]
    log = paths.log(folder)
    tail = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:] if log.exists() else []
    return Shown(
        folder=folder,
        studies=tuple(plan.study.name for plan in holders),
        state=state,
        why=tuple(why),
        command=f"reunlearn {stage} {folder}/{paths.SPECIFICATION}",
        specification=specification,
        record=read_record(Path(folder)),
        log=str(log),
        log_tail=tuple(tail),
    )


def _state(state: State) -> tuple[str, list[str]]:
    """Return the name of a job's state, and why it is in it."""
    return "would run" if state.is_sound and state.would_run else state.name, reasons(state)


def _needed(plan: Plan, folder: Folder) -> dict[Folder, Job]:
    """Return the jobs of a plan that a job follows from, and itself."""
    wanted, waiting = set(), [folder]
    while waiting:
        job = plan.jobs[waiting.pop()]
        wanted.add(job.folder)
        waiting += [f for f in job.inputs.folders() if f not in wanted]
    return {f: job for f, job in plan.jobs.items() if f in wanted}


def find(name: str, plans: Iterable[Plan]) -> Folder:
    """Return the folder of the one run that a name means.

    Raises:
        UserError: it means none, or several.
    """
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    known = {folder for plan in plans for folder in plan.jobs}
    for folder in (path, path.parent):
        if folder.as_posix() in known or (folder / paths.SPECIFICATION).is_file():
            return folder.as_posix()
    fits = sorted((folder for folder in known if name in folder), key=lambda folder: (len(folder), folder))
    if fits and all(folder == fits[0] or folder.startswith(f"{fits[0]}/") for folder in fits):
        return fits[0]  # the others are its measurements
    if not fits:
        raise UserError(f"no run is called '{name}'; give its folder, or a part of the folder's name")
    more = f" and {len(fits) - SHOWN} more" if len(fits) > SHOWN else ""
    raise UserError(f"{len(fits)} runs fit '{name}': {', '.join(fits[:SHOWN])}{more}")


def show(shown: Shown) -> None:
    """Print a run."""
    lines = [shown.folder, f"  state    {shown.state}"]
    lines += [f"           {reason}" for reason in shown.why]
    lines += [f"  studies  {joined(shown.studies)}", f"  command  {shown.command}"]
    if shown.record:
        lines += _made(shown.record)
    lines.append(f"  log      {shown.log}{'' if shown.log_tail else ' (none)'}")
    lines += [f"           {line}" for line in shown.log_tail]
    lines.append("  specification")
    text = json_format.dumps(shown.specification, indent=1, sort_keys=True)
    lines += [f"    {line}" for line in text.splitlines()]
    for line in lines:
        console().print(line)


def _made(record: Record) -> list[str]:
    """Return the lines that say how a run was made."""
    seconds = [f"{name} {value:.2f} s" for name, value in record.seconds.items()]
    versions = [f"{package} {version}" for package, version in record.versions.items()]
    how = [record.precision and f"{record.precision} precision", record.engine and f"engine {record.engine}"]
    how += [None if record.deterministic is not False else "not deterministic"]
    how += [f"up to {record.gpu_jobs} jobs on the GPU" if (record.gpu_jobs or 1) > 1 else None]
    told = "; ".join(filter(None, how)) + (f" ({record.engine_reason})" if record.engine_reason else "")
    return [
        f"  made     {record.finished} on {record.device}, {record.threads} thread(s)",
        *([f"  computed {told}"] if told else []),
        f"  seconds  {joined(seconds)}",
        f"  status   {record.status or 'finished'}",
        f"  commit   {record.git.commit}{' (dirty)' if record.git.dirty else ''}",
        f"  versions {joined(versions)}",
    ]
