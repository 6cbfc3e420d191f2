"""Bring folders from DVC's cache or its remote: only the bytes that the snapshot names, or nothing and a line."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from reunlearn.base.set_aside import SetAside
from reunlearn.storage import dvc_cache, dvc_store
from reunlearn.storage.dvc_cache import Held
from reunlearn.storage.dvc_files import Entries
from reunlearn.storage.remote import Remote


@dataclass(frozen=True)
class Pulled:
    """What could not be brought.

    Attributes:
        complaints: a line for each reason.
        damaged: what is wrong with folders of which the remote holds other bytes.
    """

    complaints: list[str] = field(default_factory=list)
    damaged: dict[str, list[str]] = field(default_factory=dict)

    def __add__(self, other: Pulled) -> Pulled:
        return Pulled(self.complaints + other.complaints, self.damaged | other.damaged)


def pull_entries(entries: Entries, remote: Remote, aside: SetAside) -> Pulled:
    """Bring the folders of some entries; what lies in their place is set aside first.

    A remote is asked only for what DVC's cache lacks, and DVC compares no bytes: that is done here.
    """
    held = dvc_cache.look(entries)
    complaints = [
        f"DVC's cache held other bytes of {folder}: {_some(found.damaged)}; removed there"
        for folder, found in held.items()
        if found.damaged
    ]
    lacking = {folder: entries[folder] for folder, found in held.items() if not found.is_whole}
    wanted = sorted(entries)
    if lacking and remote.silence:
        complaints.append(f"not pulled: {_some(lacking)}: {remote.address}: {remote.silence}")
        wanted, lacking = sorted(entries.keys() - lacking.keys()), {}
    aside.move(map(Path, wanted))
    # DVC's pull asks the remote even for what the cache has
    reason = dvc_store.pull(wanted) if lacking else dvc_store.checkout(wanted)
    after = dvc_cache.look(lacking)
    damaged = {folder: [_damage(found, remote)] for folder, found in after.items() if found.damaged}
    for folder in damaged:  # it came a moment ago
        shutil.rmtree(folder, ignore_errors=True)
    absent = [folder for folder, found in after.items() if found.absent and folder not in damaged]
    if absent:
        complaints.append(f"not pulled: {_some(absent)}: {_lack(remote)}")
    elif reason and not damaged:
        complaints.append(f"not pulled: {_some(wanted)}: {reason}")
    return Pulled(complaints, damaged)


def _damage(found: Held, remote: Remote) -> str:
    objects = " and ".join(f"files/md5/{place}" for place in list(found.damaged.values())[:3])
    return (
        f"not taken: the remote {remote.address} holds other bytes of {_some(found.damaged)}; delete {objects} there "
        "and run `reunlearn snapshot` where the run is sound, or let `make reproduce` make it again"
    )


def _lack(remote: Remote) -> str:
    place = remote.address or ""
    if "://" not in place and not Path(place).is_dir():
        return f"there is no folder {place}; `dvc remote modify --local storage url …` names another remote"
    return (
        f"the remote {place} lacks files of it, or cannot be read; `reunlearn snapshot` where the run is sound "
        "pushes them, `make reproduce` makes them again"
    )


def _some(names: Collection[str]) -> str:
    """Return the first of some names, and how many more there are."""
    first, *more = names
    return f"{first} and {len(more)} more" if more else str(first)
