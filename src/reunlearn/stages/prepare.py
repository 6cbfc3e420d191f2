"""Prepare a dataset: official files → plain arrays under data/, compared with the lock in data.dvc.

A folder that is there already and is what the lock says (pulled by DVC, say) is kept: it needs no sources.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from reunlearn.artifacts.manifest import described
from reunlearn.artifacts.soundness import FILES, write_listing
from reunlearn.base.caches import state_dir
from reunlearn.base.errors import UserError
from reunlearn.data.folder import scan
from reunlearn.data.prepared import read, size_of, write
from reunlearn.data.sets.registry import DatasetCard, Source, get
from reunlearn.stages.execution import Context
from reunlearn.storage.dvc_files import check_lock, directory_digest, read_lock
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


def is_as_locked(target: Path) -> bool:
    """Tell whether a dataset's folder is there, byte for byte as the lock's entry says."""
    entry = read_lock().get(target.as_posix())
    return entry is not None and target.is_dir() and directory_digest(target)["md5"] == entry["md5"]


def make(card: DatasetCard, target: Path, folder: Path | None = None, side: int | None = None) -> None:
    """Prepare beside `target` and move there when all is well; a folder already there stays until then.

    Args:
        card: the dataset.
        target: its folder under data/.
        folder, side: what the study says of a user's own images.

    Raises:
        UserError: the source is missing or damaged, the disk is full, or the bytes are not what the lock says.
    """
    work, old = (target.with_name(f".{target.name}.{end}") for end in ("work", "old"))
    source = Source(state_dir() / "downloads", folder, side, work)
    card = card.inspect(source) if card.inspect else card
    shutil.rmtree(work, ignore_errors=True)
    try:
        write(work, card, card.load(source))
        check_lock(target, work)
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        work.rename(target)
    except OSError as error:
        told = f"{error.strerror or error}; preparing {card.name} takes {size_of(card)} bytes there"
        raise UserError(f"{target.parent}: {told}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
