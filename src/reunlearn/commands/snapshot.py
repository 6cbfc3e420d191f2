"""Keep the runs: runs.dvc and DVC's cache are brought up to date and pushed to the remote."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.commands.each import plan_each, planned_as_asked
from reunlearn.commands.inspection import inspect
from reunlearn.commands.printing import MIB, console, joined, print_json
from reunlearn.storage import dvc_store, snapshot
from reunlearn.storage.dvc_files import LOCK, directory_digest, read_lock, read_outputs
from reunlearn.storage.remote import Remote
from reunlearn.storage.snapshot import Merge, Policy
from reunlearn.study import paths
from reunlearn.study.inputs import Folder
from reunlearn.study.plan import Plan


@dataclass(frozen=True)
class Taken:
    """A snapshot that was taken.

    Attributes:
        recorded: how many folders it holds of the studies asked for.
        changed: folders that are new in it or have new bytes.
        bytes: of these folders' files.
        weights: that it keeps.
        unsound: folders that it leaves out, each with its first problem.
        unplanned: studies that it leaves out since they cannot be planned, each with the reason.
        remote: address that it was sent to; None if it was sent nowhere.
        not_pushed: what could not be sent, and why.
    """

    recorded: int
    changed: tuple[Folder, ...]
    bytes: int
    weights: Policy
    unsound: dict[Folder, str]
    unplanned: dict[str, str]
    remote: str | None
    not_pushed: tuple[str, ...]


def run(
    study: str | None = None,
    weights: str | None = None,
    push: bool = True,
    merge: str | None = None,
    json: bool = False,
) -> int:
    """Take a snapshot, or merge another one into runs.dvc; return 1 if something had to be left out."""
    if merge:
        merged = snapshot.merge(merge)
        if json:
            print_json(merged)
        else:
            show_merge(merged)
        return 0
    taken = take(study, weights, push)
    if json:
        print_json(taken)
    else:
        show(taken)
    return 1 if taken.unsound or taken.unplanned or taken.not_pushed else 0


def take(study: str | None = None, weights: str | None = None, push: bool = True) -> Taken:
    """Store what is done and sound, of some studies or of all.

    Args:
        study: name, or several; all studies if absent.
        weights: all, originals or none; what .dvcignore says if absent.
        push: send it to the configured remote, if there is one.
    """
    wanted: Policy | None = None
    if weights is not None:
        wanted = next((known for known in snapshot.POLICIES if known == weights), None)
        if wanted is None:
            raise UserError(f"weights '{weights}'; known: {joined(snapshot.POLICIES)}")
    planned = planned_as_asked(study) if study else plan_each()
    if wanted:
        snapshot.set_policy(wanted)
    sound, unsound = sort_out(planned.good.values())
    changed = dvc_store.commit(snapshot.RUNS_FILE, sound)
    data = _locked_data()
    dvc_store.commit(LOCK, data)
    remote = Remote()
    address = remote.address if push else None
    # one call each: given a .dvc file and an output of another, DVC 3.67 silently pushes only the first
    targets = [*([str(snapshot.RUNS_FILE)] if sound else []), *data] if address else []
    entries = read_outputs(snapshot.RUNS_FILE)
    return Taken(
        recorded=len(sound),
        changed=tuple(sorted(changed)),
        bytes=sum(entries[folder]["size"] for folder in sound),
        weights=snapshot.policy(),
        unsound=unsound,
        unplanned=planned.failed,
        remote=address,
        not_pushed=_push(targets, remote),
    )


def _push(targets: list[str], remote: Remote) -> tuple[str, ...]:
    """Push some targets; return what could not be sent, and why."""
    if targets and remote.silence:
        return (remote.silence,)
    return tuple(f"{target}: {why}" for target in targets if (why := dvc_store.push([target])))


def sort_out(plans: Iterable[Plan]) -> tuple[list[Folder], dict[Folder, str]]:
    """Return the folders worth keeping, and the first problem of those that are not what they should be."""
    done: set[Folder] = set()
    unsound: dict[Folder, str] = {}
    for plan in plans:
        for state in inspect(plan.jobs, hashed=True).values():
            output = snapshot.output_of(state.job)
            if state.is_sound:
                done.add(output)
            elif state.name != "missing":
                unsound.setdefault(output, f"{state.job.folder}: {state.problems[0]}")
    return sorted(done - unsound.keys()), unsound


def _locked_data() -> list[str]:
    """Return the prepared datasets that are here as the lock says."""
    entries = read_lock()
    return [
        p for p, e in entries.items() if Path(p).is_dir() and directory_digest(Path(p))["md5"] == e["md5"]
    ]


def show(taken: Taken) -> None:
    """Print what the snapshot holds and where it went."""
    screen = console()
    for problem in taken.unsound.values():
        screen.print(f"left out, {problem}")
    screen.print(
        f"{taken.recorded} folders, {len(taken.changed)} new, {taken.bytes / MIB:.1f} MiB, weights {taken.weights}"
    )
    for problem in taken.not_pushed:
        screen.print(f"not pushed to {taken.remote}: {problem}")
    if taken.remote and not taken.not_pushed:
        screen.print(f"pushed to {taken.remote}")
    if taken.changed:
        screen.print(f"now: git add {snapshot.RUNS_FILE} {snapshot.IGNORE_FILE} && git commit")


def show_merge(merged: Merge) -> None:
    """Print what a merge took, and where ours stayed."""
    screen = console()
    for folder in merged.kept:
        screen.print(f"both have it, ours stays: {folder}")
    screen.print(f"{len(merged.added)} folders added; `reunlearn restore` gets their files")
    if any(folder.startswith(f"{paths.REPORTS}/") for folder in merged.kept):
        screen.print("a report that both have is made again by `make reproduce`")
