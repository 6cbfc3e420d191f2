"""List, then remove, what nothing needs: runs that no study names, and what killed or finished jobs left behind.

Data are never touched. While a study cannot be planned, what it may own is kept: see `claims`.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reunlearn.artifacts.manifest import is_made
from reunlearn.commands.claims import Claim, claim_of
from reunlearn.commands.each import plan_each
from reunlearn.commands.printing import MIB, console, print_json
from reunlearn.stages.execution import WORK, is_abandoned
from reunlearn.study import paths
from reunlearn.study.inputs import Folder

ROOTS = (Path(paths.RUNS), Path(paths.REPORTS))
COMMITTED = Path(paths.REPORTS) / "reference"  # in git, made elsewhere


@dataclass(frozen=True)
class Leftover:
    """A folder that can go.

    Attributes:
        kind: a run of no study; a checkpoint that nobody will resume; what a killed job was writing.
        folder: where it is.
        bytes: of its files.
    """

    kind: Literal["run", "checkpoint", "work"]
    folder: Folder
    bytes: int


@dataclass(frozen=True)
class Kept:
    """What is kept though no study that can be planned names it, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class Result:
    """What can go, and what stays all the same. `removed`: whether it is gone already."""

    removed: bool
    folders: tuple[Leftover, ...]
    kept: tuple[Kept, ...]


def run(yes: bool = False, json: bool = False) -> int:
    """List what can go; with `yes`, remove it."""
    folders, kept = find()
    if yes:
        for leftover in folders:
            remove(leftover)
    result = Result(yes, tuple(folders), tuple(kept))
    if json:
        print_json(result)
    else:
        show(result)
    return 0


def find() -> tuple[list[Leftover], list[Kept]]:
    """Return the folders that can go, and what is kept all the same.

    Every study in config/studies is planned first. What a study may own that cannot be planned is kept.
    """
    planned = plan_each()
    wanted = {folder for plan in planned.good.values() for folder in plan.jobs}
    claims = [claim_of(study, why) for study, why in planned.failed.items()]
    kept = [Kept(str(claim), f"study '{claim.study}' cannot be planned: {claim.why}") for claim in claims]
    folders = []
    specified, work_folders = _walk()
    for folder in specified:
        if folder.as_posix() in wanted or _is_claimed(folder, claims):
            continue
        if any(not is_abandoned(work) for work in folder.glob(f"{WORK}*")):
            kept.append(Kept(folder.as_posix(), "a job is running there"))
            continue
        folders.append(_leftover("run", folder, _own_files(folder)))
    for folder in _stale_checkpoints(wanted, claims):
        folders.append(_leftover("checkpoint", folder, _files(folder)))
    for folder in filter(is_abandoned, work_folders):
        folders.append(_leftover("work", folder, _files(folder)))
    return folders, kept


def _is_claimed(folder: Path, claims: list[Claim]) -> bool:
    return any(claim.covers(folder.as_posix()) for claim in claims)


def _walk() -> tuple[list[Path], list[Path]]:
    """Return every folder under runs/ and reports/ that holds a specification, and every work folder of a job."""
    specified, work = [], []
    for root in ROOTS:
        for place, folders, files in os.walk(root):  # goes on where a running job removes a folder meanwhile
            folder = Path(place)
            work += [folder / name for name in folders if name.startswith(WORK)]
            folders[:] = [name for name in folders if not name.startswith(WORK)]
            if paths.SPECIFICATION in files and not folder.is_relative_to(COMMITTED):
                specified.append(folder)
    return sorted(specified), sorted(work)


def _stale_checkpoints(wanted: set[Folder], claims: list[Claim]) -> list[Path]:
    """Return checkpoints of jobs that are done, or that no study has any more."""
    root = paths.checkpoint("")
    unfinished = {folder for folder in wanted if not is_made(Path(folder))}
    stale = []
    for folder in sorted({p.parent for p in root.rglob("*") if p.is_file()}):
        places = [folder.relative_to(root), *folder.relative_to(root).parents]
        if any(place.as_posix() in unfinished for place in places):
            continue
        job = next((place for place in places if (place / paths.SPECIFICATION).exists()), None)
        if _is_claimed(places[0], claims) and not (job and is_made(job)):
            continue
        stale.append(folder)
    return stale


def _leftover(kind: Literal["run", "checkpoint", "work"], folder: Path, files: list[Path]) -> Leftover:
    return Leftover(kind, folder.as_posix(), sum(p.lstat().st_size for p in files))


def _files(folder: Path) -> list[Path]:
    return [p for p in folder.rglob("*") if p.is_file() or p.is_symlink()]


def _own_files(folder: Path) -> list[Path]:
    """Return the files of a job's folder and of those below that are no other job's, nor what a job is writing."""
    files = []
    for path in sorted(folder.iterdir()):
        if path.is_file() or path.is_symlink():
            files.append(path)
        elif not path.name.startswith(WORK) and not _is_of_a_job(path):
            files += _own_files(path)
    return files


def _is_of_a_job(folder: Path) -> bool:
    return is_made(folder) or (folder / paths.SPECIFICATION).exists()


def remove(leftover: Leftover) -> None:
    """Remove a folder's own files, its log, and the folders that are empty then."""
    folder = Path(leftover.folder)
    if leftover.kind == "run":
        for path in _own_files(folder):
            path.unlink(missing_ok=True)
        paths.log(leftover.folder).unlink(missing_ok=True)
        _remove_empty(folder)
    else:
        shutil.rmtree(folder)
    for above in folder.parents:
        if len(above.parts) > 1 and above.is_dir() and not any(above.iterdir()):
            above.rmdir()


def _remove_empty(folder: Path) -> None:
    """Remove a folder and those below it that are empty, but for those that jobs write to."""
    for path in folder.iterdir():
        if path.is_dir() and not path.is_symlink() and not path.name.startswith(WORK):
            _remove_empty(path)
    if not any(folder.iterdir()):
        folder.rmdir()


def show(result: Result) -> None:
    """Print one line per folder, then the sum."""
    screen = console()
    for leftover in result.folders:
        screen.print(f"{leftover.bytes / MIB:8.1f} MiB  {leftover.kind:10}  {leftover.folder}")
    for kept in result.kept:
        screen.print(f"kept: {kept.what}: {kept.why}")
    total = sum(leftover.bytes for leftover in result.folders) / MIB
    end = "removed" if result.removed else "can go; `reunlearn gc --yes` removes them"
    count = len(result.folders)
    screen.print(f"{count} folders, {total:.1f} MiB: {end}" if count else "nothing to remove")
