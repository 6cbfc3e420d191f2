"""The dataset of an experiment: its card, and how specifications name it."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from pathlib import Path

from reunlearn.base.errors import UserError
from reunlearn.study.cards import DatasetCard
from reunlearn.study.generators import Sampling
from reunlearn.study.prompts import resolve_sampling
from reunlearn.study.schema import Dataset
from reunlearn.study.specs import DatasetSpec

EVERY = 5  # one in so many drawn samples is a test sample, as in data/folder.py
# classes of a file of prompts that is not there yet, so that the plan can be shown
CONCEPT_AND_ANCHOR = ("concept", "anchor")


def resolve_dataset(
    dataset: Dataset, cards: Mapping[str, DatasetCard], where: str, channels: int = 3
) -> tuple[DatasetCard, DatasetSpec]:
    """Return the card, completed where only the user's folder can tell, and what specifications say of the dataset.

    A specification names a user's own folder by a digest of what lies in it, not by its path: the same images under
    another path are the same dataset.

    Args:
        dataset: as the study writes it.
        cards: of all datasets.
        where: begins the error line.
        channels: of the images that the network draws.

    Raises:
        UserError: a folder is missing, or given where none is read; a side likewise.
    """
    card = cards[dataset.name]
    if card.drawn != (dataset.drawn is not None):
        words = "needs 'drawn', which prompts are drawn and how" if card.drawn else "takes no 'drawn'"
        raise UserError(f"{where}: {dataset.name} {words}")
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
    if dataset.drawn:
        shape = (channels, dataset.side, dataset.side)
        return _drawn_card(dataset.drawn, card, shape, where), spec.changed(side=dataset.side)
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


def _drawn_card(drawn: Sampling, card: DatasetCard, shape: tuple[int, ...], where: str) -> DatasetCard:
    """Return the card of what a network is to draw: a class for each prompt, every fifth sample for the test."""
    _, names = resolve_sampling(drawn, f"{where}: dataset")
    names = names or CONCEPT_AND_ANCHOR
    if len(names) < 2:
        raise UserError(
            f"{where}: dataset: one prompt only; the concept and what is to be drawn in its place need a line each"
        )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise UserError(f"{where}: dataset: prompt '{twice}' is there twice; each class needs its own")
    test = math.ceil(drawn.images / EVERY)
    train = drawn.images - test
    return card.model_copy(
        update={
            "class_names": names,
            "class_counts": (train,) * len(names),
            "train": train * len(names),
            "test": test * len(names),
            "shape": shape,
        }
    )
