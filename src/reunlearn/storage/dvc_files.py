"""data.dvc and runs.dvc: what is stored, one entry per folder, in DVC's own format."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NotRequired, TypedDict

import yaml

from reunlearn.base.caches import state_dir
from reunlearn.base.errors import UserError
from reunlearn.base.files import read_text, write_text
from reunlearn.base.hashing import md5, md5_of_bytes
from reunlearn.base.yaml_files import parse_yaml

LOCK = Path("data.dvc")  # the content lock of every prepared dataset


class Content(TypedDict):
    """What DVC writes of a folder's content."""

    md5: str  # of the list of (file, MD5), with the ending .dir
    nfiles: int
    size: int  # bytes


class Entry(TypedDict):
    """One output of a .dvc file. DVC may write more keys, and they are kept."""

    path: str
    md5: NotRequired[str]
    nfiles: NotRequired[int]
    size: NotRequired[int]
    hash: NotRequired[str]


Entries = dict[str, Entry]  # by path
KINDS: dict[str, type] = {"path": str, "md5": str, "nfiles": int, "size": int}


def directory_digest(folder: Path) -> Content:
    """Return what DVC writes of a folder's content."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    listed = [{"md5": md5(p), "relpath": p.relative_to(folder).as_posix()} for p in files]
    listed.sort(key=lambda file: file["relpath"])
    digest = md5_of_bytes(json.dumps(listed, sort_keys=True).encode())
    return {"md5": f"{digest}.dir", "nfiles": len(files), "size": sum(p.stat().st_size for p in files)}


def content_of(entry: Entry) -> Content:
    """Return what an entry says of a folder's content."""
    return {"md5": entry["md5"], "nfiles": entry["nfiles"], "size": entry["size"]}


def read_outputs(file: Path) -> Entries:
    """Return the entries of a .dvc file; none if there is no such file."""
    if not file.exists():
        return {}
    return parse_outputs(read_text(file), str(file))


def parse_outputs(text: str, where: str) -> Entries:
    """Return the entries of a .dvc file's text; `where` begins the error line."""
    try:
        content = parse_yaml(text, where)
        entries = {out["path"]: out for out in (content or {}).get("outs") or []}
    except (UserError, AttributeError, TypeError, KeyError):
        raise UserError(f"{where}: is not a .dvc file; an unfinished merge?") from None
    for path, entry in entries.items():
        if not all(isinstance(entry.get(key, kind()), kind) for key, kind in KINDS.items()):
            raise UserError(
                f"{where}: {path}: not as DVC writes it; path and md5 are texts, nfiles and size are numbers"
            )
        if path.startswith(("/", "~")) or ".." in PurePosixPath(path).parts:
            raise UserError(f"{where}: {path}: lies outside this project; take the entry out")
    return entries


def write_outputs(file: Path, entries: Entries) -> None:
    """Write a .dvc file, one entry per output in the order of their paths."""
    outs = [dict(entries[path]) for path in sorted(entries)]
    write_text(file, yaml.safe_dump({"outs": outs}, sort_keys=False, width=1000))


def add_outputs(file: Path, entries: Entries) -> Entries:
    """Put entries into a .dvc file, in place of those with the same paths; every other entry stays as it is.

    Returns:
        The new or changed entries.
    """
    with changing(file):
        before = read_outputs(file)
        changed = {path: entry for path, entry in entries.items() if before.get(path) != entry}
        if changed:
            write_outputs(file, before | changed)
    return changed


@contextmanager
def changing(file: Path) -> Iterator[None]:
    """Wait until no other process of this project changes a file, and keep others waiting inside the block.

    For a file that is read, changed and written again: without this, two processes lose each other's changes.
    """
    with (state_dir() / f"{file.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read_lock() -> Entries:
    """Return the entries of data.dvc."""
    return read_outputs(LOCK)


def check_lock(target: Path, prepared: Path) -> None:
    """Compare a freshly prepared folder with the lock's entry for `target`; without an entry all is well.

    Raises:
        UserError: the bytes differ from what the lock says.
    """
    entry = read_lock().get(target.as_posix())
    if entry is None:
        return
    digest = directory_digest(prepared)["md5"]
    if digest != entry["md5"]:
        raise UserError(
            f"{target}: prepared bytes {digest} are not those of data.dvc ({entry['md5']}); "
            f"another version of the source? `reunlearn data lock {target.name}` accepts the new ones"
        )
