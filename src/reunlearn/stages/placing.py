"""Put a dataset's plain arrays in their place under data/, if they are what the lock in data.dvc says."""

from __future__ import annotations

import shutil
from pathlib import Path

from reunlearn.base.caches import state_dir
from reunlearn.base.errors import UserError
from reunlearn.data.prepared import size_of, write
from reunlearn.data.sets.registry import DatasetCard, Source
from reunlearn.storage.dvc_files import check_lock, directory_digest, read_lock


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
