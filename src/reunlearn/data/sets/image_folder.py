"""The user's own folder of images, with one sub-folder per class; reunlearn.data.folder describes its layout.

Images are turned upright as their EXIF tag says and converted to RGB, their shorter side is resized to the side that
the study names (bilinear), and the central square is kept. Mean and std are measured on the training part.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.data.folder import scan
from reunlearn.data.image_files import read_images
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.trees import folder_tree

ADVICE = "delete it or get it again"


def load(source: Source) -> Arrays:
    """Return the folder's images."""
    folder, side = _folder_and_side(source)
    listing, tree = scan(folder), folder_tree(folder, ADVICE)
    arrays = []
    for key, classes in (("train_x", listing.train), ("test_x", listing.test)):
        names = [name for files in classes.values() for name in files]
        path = source.target and source.target / f"{key}.npy"
        arrays.append(read_images(tree, names, side, path, shorter=side, upright=True))
        arrays.append(np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()]))
    return Arrays(*arrays)


def inspect(source: Source) -> DatasetCard:
    """Return the card completed from the folder's listing; mean and std are only known after reading the images."""
    folder, side = _folder_and_side(source)
    listing = scan(folder)
    counts = tuple(len(files) for files in listing.train.values())
    return replace(
        CARD,
        classes=tuple(listing.train),
        shape=(3, side, side),
        train=sum(counts),
        test=sum(len(files) for files in listing.test.values()),
        class_counts=counts,
    )


def _folder_and_side(source: Source) -> tuple[Path, int]:
    if source.folder is None:
        raise UserError("image_folder: needs 'folder', where your images are")
    if source.side is None:
        raise UserError("image_folder: needs 'side', the height and width of its images")
    return source.folder, source.side


CARD = DatasetCard(
    name="image_folder",
    summary="a folder of your own images, one sub-folder per class",
    classes=(),
    shape=(3, 0, 0),
    train=0,
    test=0,
    mean=(),
    std=(),
    source="your own folder; mean and std are measured on its training part",
    licence="that of your images",
    load=load,
    needs_folder=True,
    inspect=inspect,
)
