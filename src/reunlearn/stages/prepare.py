"""Prepare a dataset: official files → plain arrays under data/, compared with the lock in data.dvc.

A folder that is there already and is what the lock says (pulled by DVC, say) is kept: it needs no sources.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from reunlearn.data.prepared import read, write
from reunlearn.data.sets.registry import DatasetCard, get
from reunlearn.records.files import sha256, write_json
from reunlearn.records.versioning import check_lock, directory_digest, read_lock
from reunlearn.stages.execution import Job
from reunlearn.study import paths


def run(job: Job) -> None:
    """Write data/<dataset>/ and the checksums of its files."""
    card = get(job["dataset"])
    target = Path(paths.data(card.name))
    if not is_as_locked(target):
        _make(card, target)
    read(target)
    write_json(job.folder / "files.json", {p.name: sha256(p) for p in sorted(target.iterdir())})


def is_as_locked(target: Path) -> bool:
    """Tell whether a dataset's folder is there, byte for byte as the lock's entry says."""
    entry = read_lock().get(target.as_posix())
    return entry is not None and target.is_dir() and directory_digest(target)["md5"] == entry["md5"]


def _make(card: DatasetCard, target: Path) -> None:
    """Prepare beside `target` and move there when all is well; a folder already there stays until then."""
    work, old = (target.with_name(f".{target.name}.{end}") for end in ("work", "old"))
    shutil.rmtree(work, ignore_errors=True)
    try:
        write(work, card, card.load(Path(paths.STATE) / "downloads"))
        check_lock(target, work)
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        work.rename(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
