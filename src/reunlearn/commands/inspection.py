"""The state of every job of a plan: what Snakemake, run, verify, plan, show, restore and snapshot follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Literal

from reunlearn.artifacts.digest import job_digest
from reunlearn.artifacts.manifest import Manifest, is_made, read_manifest
from reunlearn.artifacts.soundness import Problem, data_problems, problems
from reunlearn.storage.dvc_files import LOCK, directory_digest, read_lock, read_outputs
from reunlearn.storage.snapshot import RUNS_FILE, WEIGHTS, Policy, leaves_out, output_of, policy
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.jobs import Job, PrepareJob
from reunlearn.study.report_jobs import AggregateJob
from reunlearn.study.specs import DatasetSpec
from reunlearn.study.stages import followed, stage_of

THREADS = 8
Name = Literal["done", "missing", "changed", "stale", "incomplete"]


@dataclass
class State:
    """What is known of one job's folder.

    Attributes:
        job: that should have made it.
        manifest: that lies there and can be read.
        problems: what is wrong with it.
        left_out: its weights that are absent since the snapshot does not keep them.
        because: why it would run though nothing is wrong with it: a job before it runs, or one needs its weights.
    """

    job: Job
    manifest: Manifest | None
    problems: list[Problem]
    left_out: list[str] = field(default_factory=list)
    because: str | None = None

    @property
    def name(self) -> Name:
        """done, missing (never made), or what is wrong: changed, stale, incomplete."""
        kinds = {p.kind for p in self.problems}
        if "changed" in kinds:
            return "changed"
        if "stale" in kinds:
            return "stale"
        if kinds:
            return "incomplete" if is_made(Path(self.job.folder)) else "missing"
        return "done"

    @property
    def is_sound(self) -> bool:
        """Whether the folder itself is what its manifest and the plan say."""
        return not self.problems

    @property
    def would_run(self) -> bool:
        """Whether the workflow would make it (again)."""
        return bool(self.problems) or self.because is not None


States = dict[Folder, State]


def inspect(jobs: Mapping[Folder, Job], hashed: bool) -> States:
    """Return the state of every job of a plan; `hashed` compares the checksums of all files."""
    codes = {job.folder: job_digest(job.stage, job.modules) for job in jobs.values()}
    stored, keeps = set(read_outputs(RUNS_FILE)), policy()
    look = partial(_inspect, codes=codes, hashed=hashed, stored=stored, keeps=keeps)
    with ThreadPoolExecutor(THREADS) as pool:
        states = {state.job.folder: state for state in pool.map(look, jobs.values())}
    _compare_inputs(states)
    _propagate(states)
    return states


def unmade(jobs: Mapping[Folder, Job]) -> list[Folder]:
    """Return those of some jobs that are not made of what lies there now; their inputs need not be among them."""
    left: list[Folder] = []
    for folder in TopologicalSorter(
        {f: set(followed(j)) & jobs.keys() for f, j in jobs.items()}
    ).static_order():
        job, manifest = jobs[folder], read_manifest(Path(folder))
        wrong = problems(Path(folder), manifest, job, job_digest(job.stage, job.modules), hashed=False)
        read = {f: read_manifest(Path(f)) for f in followed(job)}
        if wrong or not read.keys().isdisjoint(left) or _others(job, {folder: manifest, **read}):
            left.append(folder)
    return left


def _inspect(job: Job, *, codes: dict[Folder, str], hashed: bool, stored: set[str], keeps: Policy) -> State:
    manifest = read_manifest(Path(job.folder))
    wrong = problems(Path(job.folder), manifest, job, codes[job.folder], hashed)
    if isinstance(job, PrepareJob) and is_made(Path(job.folder)):
        wrong += data_problems(job.folder, hashed) or lock_problems(job.dataset, hashed)
    absent: list[Problem] = []
    if output_of(job) in stored:
        absent = [p for p in wrong if p.kind == "missing" and leaves_out(f"{job.folder}/{p.what}", keeps)]
    return State(job, manifest, [p for p in wrong if p not in absent], [p.what for p in absent])


def lock_problems(dataset: DatasetSpec, hashed: bool) -> list[Problem]:
    """Compare a prepared dataset with data.dvc."""
    folder = Path(paths.data(dataset))
    entry = read_lock().get(folder.as_posix()) if hashed else None
    if entry and folder.is_dir() and directory_digest(folder)["md5"] != entry["md5"]:
        return [Problem("changed", f"{folder} is not what {LOCK} says")]
    return []


def _compare_inputs(states: States) -> None:
    """Note the jobs that were made from other inputs than those that lie there now."""
    manifests = {folder: state.manifest for folder, state in states.items()}
    for state in states.values():
        state.problems += [Problem("stale", f"made from another {f}") for f in _others(state.job, manifests)]


def _others(job: Job, manifests: Mapping[Folder, Manifest | None]) -> list[Folder]:
    """Return the folders that have another content now than when the job read them."""
    manifest, changed = manifests[job.folder], []
    for folder in followed(job) if manifest else ():
        now = manifests[folder]
        if now and manifest and manifest.inputs.get(folder) != now.content:
            changed.append(folder)
    return changed


def _propagate(states: States) -> None:
    """Note the jobs that would run because of another one."""
    readers: dict[Folder, list[Folder]] = {folder: [] for folder in states}
    for folder, state in states.items():
        for other in followed(state.job):
            readers[other].append(folder)
    waiting = [folder for folder, state in states.items() if state.would_run]
    while waiting:
        folder = waiting.pop()
        for other, reason in _moved_by(states[folder], states, readers[folder]):
            if not states[other].would_run:
                states[other].because = reason
                waiting.append(other)


def _moved_by(state: State, states: States, readers: list[Folder]) -> Iterator[tuple[Folder, str]]:
    """Yield (folder, reason) for every job that runs if this one does."""
    for reader in readers:
        yield reader, f"{state.job.folder} would run"
    for other in weights_read(state.job):
        if states[other].left_out:
            yield other, f"{state.job.folder} needs its weights, which the snapshot left out"


def weights_read(job: Job) -> list[Folder]:
    """Return the folders whose weights a job reads. Gathering results reads what was measured, and no weights."""
    if isinstance(job, AggregateJob):
        return []
    return [folder for folder in job.inputs.folders() if WEIGHTS in stage_of(folder).files]
