"""The dataset of an experiment: its card, and how specifications name it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.study.cards import DatasetCard
from reunlearn.study.schema import Dataset
from reunlearn.study.specs import DatasetSpec


def resolve_dataset(
    dataset: Dataset, cards: Mapping[str, DatasetCard], where: str
) -> tuple[DatasetCard, DatasetSpec]:
    """Return the card, completed where only the user's folder can tell, and what specifications say of the dataset.

    A specification names a user's own folder by a digest of what lies in it, not by its path: the same images under
    another path are the same dataset.

    Raises:
        UserError: a folder is missing, or given where none is read; a side likewise.
    """
    card = cards[dataset.name]
    if card.needs_folder and dataset.folder is None:
        raise UserError(f"{where}: {dataset.name} needs 'folder', where your copy of the images is")
    if not card.needs_folder and dataset.folder is not None:
        raise UserError(
            f"{where}: {dataset.name} takes no 'folder'; set REUNLEARN_DATA_MIRROR to read a copy of yours"
        )
    if not card.open_side and dataset.side is not None:
        raise UserError(f"{where}: {dataset.name} takes no 'side'; a recipe can 'resize' the images")
    spec = DatasetSpec(
        name=dataset.name,
        modality=card.modality,
        train=dataset.train,
        test=dataset.test,
        validation=dataset.validation,
        validation_from=dataset.validation_from,
    )
    if not card.open_side:
        return card, spec
    if dataset.side is None:
        raise UserError(f"{where}: {dataset.name} needs 'side', the height and width of its images")
    reader = importlib.import_module("reunlearn.data.folder")  # by name: it decides data, so it lies above
    listing = reader.scan(Path(str(dataset.folder)))
    counts = tuple(len(files) for files in listing.train.values())
    known = {
        "class_names": tuple(listing.train),
        "class_counts": counts,
        "train": sum(counts),
        "test": sum(len(files) for files in listing.test.values()),
        "shape": (3, dataset.side, dataset.side),
    }
    return card.model_copy(update=known), spec.changed(side=dataset.side, listing=listing.digest)
