"""SHA-256 of files, remembered: a file of the same inode, size and times is not read again."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from reunlearn.base.caches import state_dir, write_cache
from reunlearn.base.files import read_json
from reunlearn.base.hashing import full_digest, sha256

Stamp = list[int]  # inode, size, time of content, time of change, in nanoseconds
SETTLED_NS = 50_000_000  # clocks of file systems tick slowly: a change within one tick would go unseen
THREADS = 8
SMALL = 1_000_000  # bytes


def file_hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Return the SHA-256 of some files of a folder, by name.

    Raises:
        OSError: a file is missing or cannot be read.
    """
    memory = _read(folder)
    stamps = {name: _stamp(folder / name) for name in names}
    known = {name: memory[name][1] for name, stamp in stamps.items() if _is_known(memory.get(name), stamp)}
    unknown = [name for name in stamps if name not in known]
    if not unknown:
        return known
    fresh = _hash(folder, {name: stamps[name][1] for name in unknown})
    now = time.time_ns()
    settled = {
        name: (stamps[name], digest)
        for name, digest in fresh.items()
        if max(stamps[name][2:]) < now - SETTLED_NS and stamps[name] == _stamp(folder / name)
    }
    if settled:
        _write(folder, memory | settled)
    return {name: known.get(name) or fresh[name] for name in stamps}


def _hash(folder: Path, sizes: dict[str, int]) -> dict[str, str]:
    """Return the SHA-256 of files of these sizes; to start threads takes longer than to read small ones."""
    if sum(sizes.values()) < SMALL:
        return {name: sha256(folder / name) for name in sizes}
    with ThreadPoolExecutor(min(THREADS, len(sizes))) as pool:
        return dict(zip(sizes, pool.map(lambda name: sha256(folder / name), sizes), strict=True))


def _stamp(path: Path) -> Stamp:
    status = path.stat()
    return [status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns]


def _is_known(entry: tuple[Stamp, str] | None, stamp: Stamp) -> bool:
    return entry is not None and entry[0] == stamp


def _file(folder: Path) -> Path:
    return state_dir() / "hashes" / f"{full_digest(str(folder.absolute()))[:16]}.json"


def _read(folder: Path) -> dict[str, tuple[Stamp, str]]:
    """Return what is remembered of a folder; nothing where that cannot be read: it is only a cache."""
    try:
        content = read_json(_file(folder))
        return {name: (list(stamp), str(digest)) for name, (stamp, digest) in content.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _write(folder: Path, memory: dict[str, tuple[Stamp, str]]) -> None:
    write_cache(_file(folder), json.dumps(memory))
