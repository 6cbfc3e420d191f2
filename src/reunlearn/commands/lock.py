"""Lock a prepared dataset: one entry of data.dvc, and the files into DVC's cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.commands.printing import console, print_json
from reunlearn.storage.dvc_files import LOCK, content_of, directory_digest, read_lock
from reunlearn.storage.dvc_store import commit
from reunlearn.study import paths
from reunlearn.study.catalogue import plugin_names


@dataclass(frozen=True)
class Locked:
    """A dataset's entry of data.dvc, and whether it is another one than before."""

    folder: str
    renewed: bool
    md5: str
    nfiles: int
    size: int


def run(name: str, json: bool = False) -> int:
    """Accept the prepared files of a dataset as the right ones."""
    locked = lock(name)
    if json:
        print_json(locked)
    else:
        done = "written to" if locked.renewed else "already in"
        size = f"{locked.md5}, {locked.nfiles} files, {locked.size} bytes"
        console().print(f"{locked.folder}: {size}: {done} {LOCK}")
    return 0


def lock(name: str) -> Locked:
    """Write the entry of one dataset; those of all others stay, be their files here or not."""
    folder = Path(paths.DATA) / name
    if not folder.is_dir():
        known = plugin_names("datasets")
        hint = f"prepare it first: `reunlearn prepare {paths.RUNS}/{name}/prepared/{paths.SPECIFICATION}`"
        raise UserError(f"{folder}: no such folder; {hint if name in known else near(name, known)}")
    changed = commit(LOCK, [folder.as_posix()])
    content = content_of(read_lock()[folder.as_posix()])
    if content["md5"] != directory_digest(folder)["md5"]:
        raise UserError(f"{folder}: changed while it was locked, or .dvcignore names one of its files")
    return Locked(folder.as_posix(), bool(changed), **content)
