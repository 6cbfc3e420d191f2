"""Prepare a dataset: official files → plain arrays under data/, compared with the lock in data.dvc.

A folder that is there already and is what the lock says (pulled by DVC, say) is kept: it needs no sources.
"""

from __future__ import annotations

from pathlib import Path

from reunlearn.artifacts.manifest import described
from reunlearn.artifacts.soundness import FILES, write_listing
from reunlearn.base.errors import UserError
from reunlearn.data.folder import scan
from reunlearn.data.prepared import read
from reunlearn.data.sets.registry import get
from reunlearn.stages.execution import Context
from reunlearn.stages.placing import is_as_locked, make
from reunlearn.study import paths
from reunlearn.study.jobs import PrepareJob


def run(context: Context[PrepareJob]) -> None:
    """Write data/<dataset>/ and the checksums of its files."""
    dataset, folder = context.job.dataset, context.job.source
    target = Path(paths.data(dataset))
    if not is_as_locked(target):
        if dataset.listing and scan(Path(str(folder))).digest != dataset.listing:
            raise UserError(f"{folder}: its files have changed since the plan was made; plan again")
        make(get(dataset.name), target, Path(folder) if folder else None, dataset.side)
    read(target)
    write_listing(context.folder / FILES, described(target, [p.name for p in target.iterdir()]))
