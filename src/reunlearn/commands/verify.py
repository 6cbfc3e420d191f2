"""Re-hash every artifact of a study and name what is missing, changed or stale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from reunlearn.artifacts.record import read_record
from reunlearn.commands.inspection import inspect
from reunlearn.commands.printing import console, joined, print_json
from reunlearn.study import asked
from reunlearn.study.inputs import Folder
from reunlearn.study.plan import make_plans


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong with an artifact. `kind`: missing, changed or stale."""

    folder: Folder
    stage: str
    kind: str
    what: str


Versions = dict[str, dict[str, int]]  # by package and version: jobs made with it


@dataclass(frozen=True)
class Verified:
    """What is wrong with the artifacts of a study, and with the versions that made them.

    Attributes:
        study: name; of several, their names.
        jobs: how many there are.
        sound: of them, with nothing wrong.
        problems: whatever is wrong.
        left_out: weights that are absent since the snapshot does not keep them.
        mixed_versions: packages of which jobs were made with more than one version.
    """

    study: str
    jobs: int
    sound: int
    problems: tuple[Wrong, ...]
    left_out: tuple[str, ...]
    mixed_versions: Versions


def run(study: str, json: bool = False) -> int:
    """Verify a study; return 1 if an artifact is missing, changed or stale. Mixed versions are only pointed out."""
    verified = verify(study)
    if json:
        print_json(verified)
    else:
        show(verified)
    return 1 if verified.problems else 0


def verify(study: str) -> Verified:
    """Compare every artifact of a study with its manifest and with the plan."""
    states = inspect(make_plans(asked.studies(study)).jobs, hashed=True)
    return Verified(
        study=study,
        jobs=len(states),
        sound=sum(state.is_sound for state in states.values()),
        problems=tuple(
            Wrong(folder, state.job.stage, problem.kind, problem.what)
            for folder, state in states.items()
            for problem in state.problems
        ),
        left_out=tuple(f"{folder}/{name}" for folder, state in states.items() for name in state.left_out),
        mixed_versions=mixed_versions(states),
    )


def mixed_versions(folders: Iterable[Folder]) -> Versions:
    """Return the packages of which jobs were made with more than one version."""
    counts: Versions = {}
    for folder in folders:
        record = read_record(Path(folder))
        for package, version in (record.versions if record else {}).items():
            of_package = counts.setdefault(package, {})
            of_package[version] = of_package.get(version, 0) + 1
    return {package: versions for package, versions in counts.items() if len(versions) > 1}


def show(verified: Verified) -> None:
    """Print one line per problem, then the sums."""
    screen = console()
    for problem in verified.problems:
        screen.print(Text.assemble((f"{problem.kind:8}", "red"), f" {problem.folder}: {problem.what}"))
    for package, versions in verified.mixed_versions.items():
        parts = joined([f"{version} ({count} jobs)" for version, count in versions.items()])
        screen.print(Text.assemble(("mixed   ", "yellow"), f" {package}: {parts}"))
    if verified.left_out:
        screen.print(f"{len(verified.left_out)} weights are left out by the snapshot's choice")
    screen.print(f"{verified.study}: {verified.sound} of {verified.jobs} jobs are sound")
