"""Keep the runs: runs.dvc and DVC's cache are brought up to date and pushed to the remote."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Any, get_args

from rich.console import Console

from reunlearn.base.errors import UserError
from reunlearn.commands.inspection import inspect
from reunlearn.storage import dvc_store, snapshot
from reunlearn.storage.dvc_files import LOCK, directory_digest, read_lock, read_outputs
from reunlearn.study import paths
from reunlearn.study.load import names
from reunlearn.study.plan import make_plan


def run(
    study: str | None = None,
    weights: str | None = None,
    push: bool = True,
    merge: str | None = None,
    json: bool = False,
) -> int:
    """Take a snapshot, or merge another one into runs.dvc; return 1 if something unsound was left out."""
    found: dict[str, Any] = merge_with(merge) if merge else take(study, weights, push)
    if json:
        print(json_format.dumps(found, indent=1))
    elif merge:
        show_merge(found)
    else:
        show(found)
    return 1 if found.get("unsound") or found.get("not_pushed") else 0


def take(study: str | None = None, weights: str | None = None, push: bool = True) -> dict[str, Any]:
    """Store what is done and sound, of one study or of all.

    Args:
        study: name; all studies if absent.
        weights: all, originals or none; what .dvcignore says if absent.
        push: send it to the configured remote, if there is one.
    """
    if weights is not None:
        if weights not in snapshot.POLICIES:
            raise UserError(f"weights '{weights}'; known: {', '.join(get_args(snapshot.Policy))}")
        snapshot.set_policy(weights)
    sound, unsound = sort_out([study] if study else names("studies"))
    changed = dvc_store.commit(snapshot.RUNS_FILE, sound)
    data = _locked_data()
    dvc_store.commit(LOCK, data)
    address = dvc_store.remote() if push else None
    # one call each: given a .dvc file and an output of another, DVC 3.67 silently pushes only the first
    wanted = [*([str(snapshot.RUNS_FILE)] if sound else []), *data] if address else []
    failed = [f"{target}: {why}" for target in wanted if (why := dvc_store.push([target]))]
    return {
        "folders": len(sound),
        "changed": sorted(changed),
        "bytes": sum(e["size"] for p, e in read_outputs(snapshot.RUNS_FILE).items() if p in set(sound)),
        "weights": snapshot.policy(),
        "unsound": unsound,
        "remote": address,
        "not_pushed": failed,
    }


def sort_out(studies: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the folders worth keeping, and {folder: first problem} of those that are not what they should be."""
    done: set[str] = set()
    unsound: dict[str, str] = {}
    for study in studies:
        for state in inspect(make_plan(study), hashed=True).values():
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


def merge_with(theirs: str) -> dict[str, Any]:
    """Add the entries of another snapshot to ours."""
    return snapshot.merge(theirs)


def show(found: dict[str, Any]) -> None:
    """Print what the snapshot holds and where it went."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for problem in found["unsound"].values():
        console.print(f"left out, {problem}")
    size = found["bytes"] / 2**20
    console.print(
        f"{found['folders']} folders, {len(found['changed'])} new, {size:.1f} MiB, weights {found['weights']}"
    )
    for problem in found["not_pushed"]:
        console.print(f"not pushed to {found['remote']}: {problem}")
    if found["remote"] and not found["not_pushed"]:
        console.print(f"pushed to {found['remote']}")
    if found["changed"]:
        console.print(f"now: git add {snapshot.RUNS_FILE} {snapshot.IGNORE_FILE} && git commit")


def show_merge(found: dict[str, Any]) -> None:
    """Print what a merge took, and where ours stayed."""
    console = Console(highlight=False, soft_wrap=True, markup=False)
    for folder in found["kept"]:
        console.print(f"both have it, ours stays: {folder}")
    console.print(f"{len(found['added'])} folders added; `reunlearn restore` gets their files")
    if any(folder.startswith(f"{paths.REPORTS}/") for folder in found["kept"]):
        console.print("a report that both have is made again by `make reproduce`")
