"""The dataset of an experiment: its card, and how specifications name it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reunlearn.base.errors import UserError
from reunlearn.study.schema import Dataset

Card = dict[str, Any]


def resolve_dataset(dataset: Dataset, cards: dict[str, Card], where: str) -> tuple[Card, dict[str, Any]]:
    """Return the card, completed where only the user's folder can tell, and what specifications say of the dataset.

    A specification names a user's own folder by a digest of what lies in it, not by its path: the same images under
    another path are the same dataset.

    Raises:
        UserError: a folder is missing, or given where none is read; a side likewise.
    """
    card = cards[dataset.name]
    if card["needs_folder"] and dataset.folder is None:
        raise UserError(f"{where}: {dataset.name} needs 'folder', where your copy of the images is")
    if not card["needs_folder"] and dataset.folder is not None:
        raise UserError(
            f"{where}: {dataset.name} takes no 'folder'; set REUNLEARN_DATA_MIRROR to read a copy of yours"
        )
    if not card["open_side"] and dataset.side is not None:
        raise UserError(f"{where}: {dataset.name} takes no 'side'; a recipe can 'resize' the images")
    spec = {"name": dataset.name, "train": dataset.train, "validation": dataset.validation}
    if not card["open_side"]:
        return card, {**spec, "side": None, "listing": None}
    if dataset.side is None:
        raise UserError(f"{where}: {dataset.name} needs 'side', the height and width of its images")
    from reunlearn.study.folder import scan

    listing = scan(Path(str(dataset.folder)))
    counts = [len(files) for files in listing.train.values()]
    known = {
        "classes": len(counts),
        "class_names": list(listing.train),
        "class_counts": counts,
        "train": sum(counts),
        "test": sum(len(files) for files in listing.test.values()),
        "shape": [3, dataset.side, dataset.side],
    }
    return {**card, **known}, {**spec, "side": dataset.side, "listing": listing.digest}
