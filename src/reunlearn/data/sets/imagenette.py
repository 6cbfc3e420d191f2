"""Imagenette: ten easily distinguished classes of ImageNet, from the archive whose shorter sides are 160 pixels.

The central 160×160 pixels are kept; the archive's val is the test part here. Both parts are in the order of WordNet
ids, within a class in the order of file names. Grey images get three equal channels.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.data.image_files import read_images
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.sources import Archive, tree
from reunlearn.data.trees import Tree

ARCHIVE = Archive(
    url="https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz",
    md5="e793b78cc4c9e9a4ccc0c1155377a412",
    folder="imagenette2-160",
)
CLASSES = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}
COUNTS = {
    "train": (963, 955, 993, 858, 941, 956, 961, 931, 951, 960),
    "val": (387, 395, 357, 386, 409, 394, 389, 419, 399, 390),
}
SIDE = 160


def load(source: Source) -> Arrays:
    """Return the images of the official archive."""
    with tree(ARCHIVE, source.downloads) as files:
        return read(files, COUNTS, source)


def read(files: Tree, counts: Mapping[str, tuple[int, ...]], source: Source) -> Arrays:
    """Return the images; `counts` gives the number of images of each class in train and val.

    Raises:
        UserError: a class or some of its images are missing.
    """
    folders = files.folders()
    arrays = []
    for part, key in (("train", "train_x"), ("val", "test_x")):
        names = []
        for wordnet_id, wanted in zip(CLASSES, counts[part], strict=True):
            paths = folders.get(f"{part}/{wordnet_id}", [])
            if len(paths) != wanted:
                reason = f"class {wordnet_id} has {len(paths)} images in {part} instead of {wanted}"
                raise UserError(f"{files.where}: {reason}; {files.advice}")
            names += paths
        path = source.target and source.target / f"{key}.npy"
        arrays.append(read_images(files, names, SIDE, path, shorter=SIDE))
        arrays.append(np.repeat(np.arange(len(CLASSES)), counts[part]))
    return Arrays(*arrays)


CARD = DatasetCard(
    name="imagenette",
    summary="160×160 colour images of ten easily distinguished classes of ImageNet",
    classes=tuple(CLASSES.values()),
    shape=(3, SIDE, SIDE),
    train=9469,
    test=3925,
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source=f"fast.ai, {ARCHIVE.origin}; mean and std of ImageNet",
    licence="Apache-2.0 by fast.ai; the images as ImageNet, research use only",
    load=load,
    class_counts=COUNTS["train"],
)
