"""Prepare a dataset: official files → plain arrays under data/, compared with the lock in data.dvc."""

from __future__ import annotations

import shutil
from pathlib import Path

from reunlearn.data.prepared import read, write
from reunlearn.data.sets.registry import get
from reunlearn.records.files import sha256, write_json
from reunlearn.records.versioning import check_lock
from reunlearn.stages.execution import Job
from reunlearn.study import paths


def run(job: Job) -> None:
    """Write data/<dataset>/ and the checksums of its files."""
    card = get(job["dataset"])
    target = Path(paths.data(card.name))
    work = target.with_name(f".{target.name}.work")
    shutil.rmtree(work, ignore_errors=True)
    try:
        downloads = Path(paths.STATE) / "downloads"
        write(work, card, card.load(downloads))
        check_lock(target, work)
        if target.exists():
            shutil.rmtree(target)
        work.replace(target)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    read(target)
    write_json(job.folder / "files.json", {p.name: sha256(p) for p in sorted(target.iterdir())})
