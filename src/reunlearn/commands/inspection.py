"""The state of every job of a plan: what verify, plan, show, restore and snapshot look at."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import Problem, problems, read_manifest, read_record
from reunlearn.base.files import read_json
from reunlearn.base.hashing import sha256
from reunlearn.storage.dvc_files import LOCK, directory_digest, read_lock, read_outputs
from reunlearn.storage.snapshot import RUNS_FILE, Policy, leaves_out, output_of, policy
from reunlearn.study import paths
from reunlearn.study.plan import Job, Plan

THREADS = 8
FOLLOWS_NOT = {"track": ("report",)}  # roles whose change alone is no reason to run again


@dataclass
class State:
    """What is known of one job's folder."""

    job: Job
    problems: list[Problem]
    left_out: list[str] = field(default_factory=list)  # weights that the snapshot does not keep
    because: str | None = None  # the job before it that would run, or the job that needs its weights

    @property
    def name(self) -> str:
        """done, missing (never made), or what is wrong: changed, stale, incomplete."""
        kinds = {p.kind for p in self.problems}
        if "changed" in kinds:
            return "changed"
        if "stale" in kinds:
            return "stale"
        if kinds:
            return "missing" if not (Path(self.job.folder) / paths.MANIFEST).exists() else "incomplete"
        return "done"

    @property
    def is_sound(self) -> bool:
        """Whether the folder itself is what its manifest and the plan say."""
        return not self.problems

    @property
    def would_run(self) -> bool:
        """Whether the workflow would make it (again)."""
        return bool(self.problems) or self.because is not None


def inspect(plan: Plan, hashed: bool) -> dict[str, State]:
    """Return the state of every job, by folder; `hashed` compares the checksums of all files."""
    codes = {job.folder: job_digest(job.stage, job.modules) for job in plan.jobs.values()}
    stored, keeps = set(read_outputs(RUNS_FILE)), policy()
    look = partial(_inspect, codes=codes, hashed=hashed, stored=stored, keeps=keeps)
    with ThreadPoolExecutor(THREADS) as pool:
        states = {state.job.folder: state for state in pool.map(look, plan.jobs.values())}
    _follow_inputs(states)
    _propagate(states)
    return states


def _inspect(job: Job, codes: dict[str, str], hashed: bool, stored: set[str], keeps: Policy) -> State:
    found = problems(Path(job.folder), job.document, codes[job.folder], hashed)
    if job.stage == "prepare" and not any(p.what == paths.MANIFEST for p in found):
        found += data_problems(job.specification["dataset"], Path(job.folder), hashed)
    absent: list[Problem] = []
    if output_of(job) in stored:
        absent = [p for p in found if p.kind == "missing" and leaves_out(f"{job.folder}/{p.what}", keeps)]
    return State(job, [p for p in found if p not in absent], [p.what for p in absent])


def data_problems(dataset: dict[str, Any], prepared: Path, hashed: bool) -> list[Problem]:
    """Compare a prepared dataset with the checksums of its preparation and with data.dvc."""
    folder = Path(paths.data(dataset))
    listing = prepared / "files.json"
    if not listing.exists():
        return []
    found = []
    for name, digest in read_json(listing).items():
        if not (folder / name).is_file():
            found.append(Problem("missing", f"{folder / name}"))
        elif hashed and sha256(folder / name) != digest:
            found.append(Problem("changed", f"{folder / name}"))
    entry = read_lock().get(folder.as_posix())
    if hashed and entry and not found and directory_digest(folder)["md5"] != entry["md5"]:
        found.append(Problem("changed", f"{folder} is not what {LOCK} says"))
    return found


def _follow_inputs(states: dict[str, State]) -> None:
    """Note the jobs that were made from other inputs than those that lie there now."""
    now = {f: sha256(Path(f) / paths.MANIFEST) for f in states if (Path(f) / paths.MANIFEST).exists()}
    for folder, state in states.items():
        record = read_record(Path(folder))
        if record is None or read_manifest(Path(folder)) is None:
            continue
        ignored = {state.job.inputs[role] for role in FOLLOWS_NOT.get(state.job.stage, ())}
        for other in state.job.input_folders:
            if other in now and other not in ignored and record["inputs"].get(other) != now[other]:
                state.problems.append(Problem("stale", f"made from another {other}"))


def _propagate(states: dict[str, State]) -> None:
    """Note the jobs that would run because of another one."""
    waiting = [folder for folder, state in states.items() if state.would_run]
    readers: dict[str, list[str]] = {folder: [] for folder in states}
    for folder, state in states.items():
        for other in state.job.input_folders:
            readers[other].append(folder)
    while waiting:
        folder = waiting.pop()
        for other, reason in _moved_by(states[folder], states, readers[folder]):
            if not states[other].would_run:
                states[other].because = reason
                waiting.append(other)


def _moved_by(state: State, states: dict[str, State], readers: list[str]) -> Iterator[tuple[str, str]]:
    """Yield (job, reason) for every job that runs if this one does."""
    folder = state.job.folder
    for reader in readers:
        ignored = {states[reader].job.inputs[role] for role in FOLLOWS_NOT.get(states[reader].job.stage, ())}
        if folder not in ignored:
            yield reader, f"{folder} would run"
    for role in ("original", "retrained", "model"):
        other = state.job.inputs.get(role)
        if isinstance(other, str) and states[other].left_out:
            yield other, f"{folder} needs its weights, which the snapshot left out"
