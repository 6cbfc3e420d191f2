"""DVC's cache, looked at byte by byte: DVC itself trusts each file there that cannot be written."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from reunlearn.base.hashing import md5
from reunlearn.storage.dvc_files import Entries, Entry

LISTING = "the list of its files"


@dataclass(frozen=True)
class Held:
    """What the cache holds of a folder.

    Attributes:
        damaged: {file: object} of those with other bytes than their object's name says; the cache has them no more.
        absent: files that it never had.
    """

    damaged: dict[str, str]
    absent: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether the folder can be had without the remote."""
        return not self.damaged and not self.absent


def look(entries: Entries) -> dict[str, Held]:
    """Hash what the cache holds of some folders, remove what is damaged, and return the rest by folder."""
    from dvc.repo import Repo

    if not entries:
        return {}
    with Repo() as repo:
        cache = Path(repo.cache.local.path)
    return {path: _look(cache, entry) for path, entry in entries.items()}


def lacking(entries: Entries) -> list[str]:
    """Return the folders that the cache does not hold: DVC puts the list of a folder's files in last."""
    from dvc.repo import Repo

    with Repo() as repo:
        cache = Path(repo.cache.local.path)
    return sorted(path for path, entry in entries.items() if not _place(cache, entry["md5"]).is_file())


def _look(cache: Path, entry: Entry) -> Held:
    listing = entry["md5"]
    damaged, absent = _sort_out(cache, [(LISTING, listing)])
    if damaged or absent:
        return Held(damaged, absent)
    files = json.loads(_place(cache, listing).read_bytes())
    return Held(*_sort_out(cache, [(file["relpath"], file["md5"]) for file in files]))


def _sort_out(cache: Path, files: Iterable[tuple[str, str]]) -> tuple[dict[str, str], tuple[str, ...]]:
    damaged, absent = {}, []
    for name, content in files:
        place = _place(cache, content)
        if not place.is_file():
            absent.append(name)
        elif md5(place) != content.removesuffix(".dir"):
            place.unlink()
            damaged[name] = f"{content[:2]}/{content[2:]}"
    return damaged, tuple(absent)


def _place(cache: Path, content: str) -> Path:
    return cache / content[:2] / content[2:]
