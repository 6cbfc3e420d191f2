"""After git clone: fetch a snapshot, check every artifact, set aside what fails; the rest need not run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from reunlearn.artifacts.manifest import is_made, read_manifest
from reunlearn.artifacts.soundness import unreadable
from reunlearn.base.errors import UserError
from reunlearn.base.set_aside import SetAside
from reunlearn.commands.each import plan_each, planned_as_asked
from reunlearn.commands.inspection import States, inspect
from reunlearn.commands.printing import console, print_json
from reunlearn.stages.execution import execute
from reunlearn.storage.dvc_files import read_lock, read_outputs
from reunlearn.storage.pull import Pulled, pull_entries
from reunlearn.storage.remote import Remote
from reunlearn.storage.snapshot import RUNS_FILE, output_of
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job, PrepareJob
from reunlearn.study.load import names
from reunlearn.study.plan import Plan


@dataclass(frozen=True)
class Restored:
    """What became of a study's artifacts.

    Attributes:
        study: name.
        jobs: how many there are.
        restored: of them, that need not run.
        to_run: of them, that are missing, or follow from such jobs.
        left_out: weights that are absent since the snapshot does not keep them.
        set_aside: what was wrong with each folder whose files were moved out of the way.
        place: where they lie; None if there are none.
        complaints: what could not be fetched or prepared, and why.
    """

    study: str
    jobs: int
    restored: int
    to_run: int
    left_out: tuple[str, ...]
    set_aside: dict[Folder, list[str]]
    place: str | None
    complaints: tuple[str, ...]


def run(study: str | None = None, pull: bool = True, json: bool = False) -> int:
    """Restore some studies, or all that were begun.

    Returns:
        1 if something was set aside, a study cannot be planned, or nothing of one could be restored.
    """
    planned = planned_as_asked(study) if study else plan_each(begun())
    remote = Remote()
    restored = [restore(plan, pull, remote) for plan in planned.good.values()]
    if json:
        print_json(restored)
    else:
        show(restored)
    if not restored and not planned.failed:
        raise UserError(f"nothing to restore: {RUNS_FILE} names no report; run a study, or name one")
    return 1 if planned.failed or any(entry.set_aside or not entry.restored for entry in restored) else 0


def begun() -> list[str]:
    """Return the studies of which something is stored or already there."""
    stored = read_outputs(RUNS_FILE)
    return [
        name for name in names("studies") if paths.report(name) in stored or Path(paths.report(name)).is_dir()
    ]


def restore(plan: Plan, pull: bool = True, remote: Remote | None = None) -> Restored:
    """Fetch, check and set aside one study; return what became of it. Several studies share a remote's answer."""
    aside = SetAside()
    pulled = _pull(plan, aside, remote or Remote()) if pull else Pulled()
    unprepared = _prepare(plan)
    states, set_aside = _set_aside(plan, aside)
    return Restored(
        study=plan.study.name,
        jobs=len(states),
        restored=sum(not s.would_run for s in states.values()),
        to_run=sum(s.would_run for s in states.values()),
        left_out=tuple(f"{folder}/{name}" for folder, s in states.items() for name in s.left_out),
        set_aside=pulled.damaged | set_aside,
        place=str(aside.place) if aside.place else None,
        complaints=(*pulled.complaints, *unprepared),
    )


def _pull(plan: Plan, aside: SetAside, remote: Remote) -> Pulled:
    """Pull what the snapshot has of a study; each dataset by itself, so that one which is absent stops nothing.

    What is there of a run that nothing was made of, such as specifications, would keep DVC from bringing the run.
    """
    stored = read_outputs(RUNS_FILE)
    jobs: dict[Folder, list[Job]] = {}
    for job in plan.jobs.values():
        jobs.setdefault(output_of(job), []).append(job)
    if not stored.keys() & jobs.keys():
        return Pulled([f"no snapshot of it: {RUNS_FILE} names none of its folders"])
    absent = {
        output: stored[output]
        for output, inside in jobs.items()
        if output in stored and not any(is_made(Path(job.folder)) for job in inside)
    }
    lock, needed = read_lock(), sorted({folder for _, folder in _prepared(plan)})
    data = [{f: lock[f]} for f in needed if f in lock and not Path(f).exists()]
    pulled = Pulled()
    for entries in filter(None, (absent, *data)):
        pulled += pull_entries(entries, remote, aside)
    return pulled


def _prepared(plan: Plan) -> Iterator[tuple[PrepareJob, str]]:
    """Yield each job that prepares a dataset, and the folder under data/ that it fills."""
    for job in plan.jobs.values():
        if isinstance(job, PrepareJob):
            yield job, paths.data(job.dataset)


def _prepare(plan: Plan) -> list[str]:
    """Prepare the datasets whose files are in no remote: the same bytes come out, or data.dvc refuses them."""
    complaints = []
    for job, data in _prepared(plan):
        if is_made(Path(job.folder)) and not Path(data).exists():
            try:
                execute(job.stage, Path(job.folder) / paths.SPECIFICATION)
            except UserError as error:
                complaints.append(f"not prepared: {error}")
    return complaints


def _set_aside(plan: Plan, aside: SetAside) -> tuple[States, dict[Folder, list[str]]]:
    """Move what fails out of the way until nothing fails; return the states then, and what was wrong by folder."""
    wrong: dict[Folder, list[str]] = {}
    states = inspect(plan.jobs, hashed=True)
    while failed := [s for s in states.values() if s.name not in ("done", "missing")]:
        for state in failed:
            wrong.setdefault(state.job.folder, []).extend(map(str, state.problems))
            aside.move(_files(state.job))
        states = inspect(plan.jobs, hashed=True)
    return states, wrong


def _files(job: Job) -> list[Path]:
    """Return a job's outputs, and the data it prepared; its specification stays unless it cannot be read."""
    folder = Path(job.folder)
    manifest = read_manifest(folder)
    names = [*unreadable(folder), *(manifest.outputs if manifest else ()), paths.MANIFEST, paths.RECORD]
    data = [Path(paths.data(job.dataset))] if isinstance(job, PrepareJob) else []
    return [*(folder / name for name in names), *data]


def show(restored: list[Restored]) -> None:
    """Print what was restored, what was set aside, and what is left to run."""
    screen = console()
    for entry in restored:
        for folder, problems in entry.set_aside.items():
            screen.print(f"set aside {folder}: {'; '.join(problems)}")
        if entry.place:
            screen.print(f"what was set aside lies in {entry.place}")
        for complaint in entry.complaints:
            screen.print(complaint)
        screen.print(
            f"{entry.study}: {entry.restored} of {entry.jobs} jobs restored, {entry.to_run} to run; "
            f"{len(entry.left_out)} weights are left out by the snapshot's choice"
        )
