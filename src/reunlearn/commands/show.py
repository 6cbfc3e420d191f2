"""One run: its specification, its state, its log, and the exact command that makes it."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Any

from rich.console import Console

from reunlearn.artifacts.manifest import read_record
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.commands.inspection import State, inspect
from reunlearn.commands.plan import reasons
from reunlearn.study import paths
from reunlearn.study.load import names
from reunlearn.study.plan import Plan, make_plan

TAIL = 15  # lines of the log
SHOWN = 8  # runs named when several fit


def run(name: str, json: bool = False) -> int:
    """Print what is known of a run; return 1 if something is wrong with it."""
    found = describe(name)
    if json:
        print(json_format.dumps(found, indent=1))
    else:
        show(found)
    return 0 if found["state"] == "done" else 1


def describe(name: str) -> dict[str, Any]:
    """Return specification, state, log, command and record of one run.

    Args:
        name: the run's folder, a file in it, or a part of the folder's name that only one planned run has.
    """
    plans = [make_plan(study) for study in names("studies")]
    folder = find(name, plans)
    holders = [plan for plan in plans if folder in plan.jobs]
    log = paths.log(folder)
    found = {
        "folder": folder,
        "studies": [plan.study.name for plan in holders],
        "log": str(log),
        "log_tail": log.read_text(errors="replace").splitlines()[-TAIL:] if log.exists() else [],
        "record": read_record(Path(folder)),
    }
    if not holders:
        specification = read_json(Path(folder) / paths.SPECIFICATION)
        state = {
            "state": "in no study",
            "why": ["no study in config/studies names it; `reunlearn gc` lists such runs"],
        }
    else:
        specification = holders[0].jobs[folder].document
        state = _state(inspect(_only(holders[0], folder), hashed=True)[folder])
    command = ["reunlearn", specification["stage"], f"{folder}/{paths.SPECIFICATION}"]
    return {**found, **state, "command": " ".join(command), "specification": specification}


def _state(state: State) -> dict[str, Any]:
    return {"state": "would run" if state.is_sound and state.would_run else state.name, "why": reasons(state)}


def _only(plan: Plan, folder: str) -> Plan:
    """Return the part of a plan that a job follows from."""
    wanted, waiting = set(), [folder]
    while waiting:
        job = plan.jobs[waiting.pop()]
        wanted.add(job.folder)
        waiting += [f for f in job.input_folders if f not in wanted]
    return Plan(plan.study, {f: job for f, job in plan.jobs.items() if f in wanted})


def find(name: str, plans: list[Plan]) -> str:
    """Return the folder of the one run that a name means."""
    path = Path(name)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    known = {folder for plan in plans for folder in plan.jobs}
    for folder in (path, path.parent):
        if folder.as_posix() in known or (folder / paths.SPECIFICATION).is_file():
            return folder.as_posix()
    fits = sorted((folder for folder in known if name in folder), key=lambda folder: (len(folder), folder))
    if fits and all(folder == fits[0] or folder.startswith(f"{fits[0]}/") for folder in fits):
        return fits[0]  # the others are its evaluation and attacks
    if not fits:
        raise UserError(f"no run is called '{name}'; give its folder, or a part of the folder's name")
    more = f" and {len(fits) - SHOWN} more" if len(fits) > SHOWN else ""
    raise UserError(f"{len(fits)} runs fit '{name}': {', '.join(fits[:SHOWN])}{more}")


def show(found: dict[str, Any]) -> None:
    """Print a run."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    console.print(f"{found['folder']}\n  state    {found['state']}")
    for reason in found["why"]:
        console.print(f"           {reason}")
    console.print(f"  studies  {', '.join(found['studies']) or 'none'}\n  command  {found['command']}")
    record = found["record"]
    if record:
        seconds = ", ".join(f"{name} {value:.2f} s" for name, value in record["seconds"].items())
        git = record.get("git") or {}
        dirty = " (dirty)" if git.get("dirty") else ""
        where = f"{record.get('device')}, {record.get('threads')} thread(s)"
        console.print(f"  made     {record.get('finished')} on {where}")
        console.print(f"  seconds  {seconds}\n  status   {record.get('status', 'finished')}")
        console.print(f"  commit   {git.get('commit')}{dirty}")
        console.print(f"  versions {', '.join(f'{k} {v}' for k, v in record['versions'].items())}")
    console.print(f"  log      {found['log']}{'' if found['log_tail'] else ' (none)'}")
    for line in found["log_tail"]:
        console.print(f"           {line}")
    console.print("  specification")
    for line in json_format.dumps(found["specification"], indent=1, sort_keys=True).splitlines():
        console.print(f"    {line}")
