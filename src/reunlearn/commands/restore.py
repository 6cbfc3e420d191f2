"""After git clone: fetch a snapshot, check every artifact, set aside what fails, and let Snakemake trust the rest.

Snakemake's own notes do not travel with the files. `--touch --forceall` writes them, and trusts blindly: so it is
only let near jobs that are sound and follow from sound jobs.
"""

from __future__ import annotations

import json as json_format
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from reunlearn.artifacts.manifest import read_manifest
from reunlearn.base.errors import UserError
from reunlearn.commands.inspection import State, inspect
from reunlearn.stages.execution import execute
from reunlearn.storage import dvc_store
from reunlearn.storage.dvc_files import read_lock, read_outputs
from reunlearn.storage.snapshot import RUNS_FILE, output_of
from reunlearn.study import paths
from reunlearn.study.load import names
from reunlearn.study.plan import Job, Plan, make_plan, write_specifications

SET_ASIDE = Path(paths.STATE) / "set-aside"


def run(study: str | None = None, pull: bool = True, profile: str = "default", json: bool = False) -> int:
    """Restore a study, or all; return 1 if something was set aside."""
    found = [restore(name, pull, profile) for name in ([study] if study else begun())]
    if json:
        print(json_format.dumps(found, indent=1))
    else:
        show(found)
    return 1 if any(entry["set_aside"] for entry in found) else 0


def begun() -> list[str]:
    """Return the studies of which something is stored or already there."""
    stored = read_outputs(RUNS_FILE)
    return [
        name for name in names("studies") if paths.report(name) in stored or Path(paths.report(name)).is_dir()
    ]


def restore(study: str, pull: bool = True, profile: str = "default") -> dict[str, Any]:
    """Fetch, check, set aside and touch one study; return what was found."""
    plan = make_plan(study)
    complaints = _pull(plan) if pull else []
    write_specifications(plan)
    complaints += _prepare(plan)
    place = SET_ASIDE / datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
    set_aside: dict[str, list[str]] = {}
    states = inspect(plan, hashed=True)
    while failed := [s for s in states.values() if s.name not in ("done", "missing")]:
        for state in failed:
            set_aside.setdefault(state.job.folder, []).extend(map(str, state.problems))
            _move(state.job, place)
        states = inspect(plan, hashed=True)
    sound = [state for state in states.values() if not state.would_run]
    _touch(plan, sound, profile)
    return {
        "study": study,
        "jobs": len(states),
        "restored": len(sound),
        "to_run": sum(s.would_run for s in states.values()),
        "left_out": sum(len(s.left_out) for s in states.values()),
        "set_aside": set_aside,
        "place": str(place) if set_aside else None,
        "complaints": complaints,
    }


def _pull(plan: Plan) -> list[str]:
    """Pull what the snapshot has of a study; each dataset by itself, so that one which is absent stops nothing."""
    outputs = {output_of(job) for job in plan.jobs.values()} & read_outputs(RUNS_FILE).keys()
    data = {paths.data(job.specification["dataset"]) for job in plan.of_stage("prepare")} & read_lock().keys()
    if not outputs:
        return []
    wanted = [sorted(outputs), *([folder] for folder in sorted(data))]
    absent = [[path for path in targets if not Path(path).exists()] for targets in wanted]
    reasons = [(targets, dvc_store.pull(targets)) for targets in absent if targets]
    return [f"not pulled: {targets[0]}{' …' * (len(targets) > 1)}: {why}" for targets, why in reasons if why]


def _prepare(plan: Plan) -> list[str]:
    """Prepare the datasets whose files are in no remote: the same bytes come out, or data.dvc refuses them."""
    complaints = []
    for job in plan.of_stage("prepare"):
        made = (Path(job.folder) / paths.MANIFEST).exists()
        if made and not Path(paths.data(job.specification["dataset"])).exists():
            try:
                execute("prepare", Path(job.folder) / paths.SPECIFICATION)
            except UserError as error:
                complaints.append(f"not prepared: {error}")
    return complaints


def _move(job: Job, place: Path) -> None:
    """Move a job's outputs, and the data it prepared, out of the way; its specification stays."""
    folder = Path(job.folder)
    manifest = read_manifest(folder)
    outputs = [folder / name for name in (*(manifest or {}).get("outputs", ()), paths.MANIFEST, paths.RECORD)]
    if job.stage == "prepare":
        outputs.append(Path(paths.data(job.specification["dataset"])))
    for path in outputs:
        if path.exists():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            path.rename(place / path)


def _touch(plan: Plan, sound: list[State], profile: str) -> None:
    """Let Snakemake note the sound jobs as done: those that no other sound job reads are its targets."""
    read = {folder for state in sound for folder in state.job.input_folders}
    targets = [f"{s.job.folder}/{paths.MANIFEST}" for s in sound if s.job.folder not in read]
    if not targets:
        return
    command = [sys.executable, "-m", "snakemake", *targets, "--touch", "--forceall", "--cores", "1"]
    command += ["--workflow-profile", f"workflow/profiles/{profile}", "--config", f"study={plan.study.name}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise UserError(f"snakemake --touch failed: {lines[-1]}")


def show(found: list[dict[str, Any]]) -> None:
    """Print what was restored, what was set aside, and what is left to run."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for entry in found:
        for folder, problems in entry["set_aside"].items():
            console.print(f"set aside {folder}: {'; '.join(problems)}")
        if entry["place"]:
            console.print(f"what was set aside lies in {entry['place']}")
        for complaint in entry["complaints"]:
            console.print(complaint)
        console.print(
            f"{entry['study']}: {entry['restored']} of {entry['jobs']} jobs restored, {entry['to_run']} to run; "
            f"{entry['left_out']} weights are left out by the snapshot's choice"
        )
