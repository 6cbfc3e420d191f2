"""ImageNet's 1,000 classes at 256 pixels: of each class the first 732 training images, which is what the smallest has.

These images may not be passed on: they are read from the user's own folder, which holds a folder per class, named by
its WordNet id, in `train` and in `val`, as torchvision's ImageNet leaves them. Both parts are in the order of WordNet
ids, within a class in the order of file names. Shorter side resized to 256 (bilinear), the central 256×256. Prepared
it takes 154 GB.
"""

from __future__ import annotations

import re

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.data.image_files import read_images
from reunlearn.data.sets._imagenet_names import NAMES
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.trees import folder_tree

PER_CLASS = {"train": 732, "val": 50}
SIDE = 256
WORDNET_ID = re.compile(r"n\d{8}")
ADVICE = "get ImageNet from its authors, https://image-net.org, and let torchvision's ImageNet unpack it"


def load(source: Source) -> Arrays:
    """Return the first images of each class of the user's folder."""
    return read(source, PER_CLASS)


def read(source: Source, per_class: dict[str, int]) -> Arrays:
    """Return so many images of each class, of train and of val.

    Raises:
        UserError: there are other classes than ImageNet's, or too few images of one.
    """
    if source.folder is None:
        raise UserError("imagenet: needs 'folder', where your copy of the images is")
    tree = folder_tree(source.folder, ADVICE)
    folders = tree.folders()
    arrays = []
    for part, key in (("train", "train_x"), ("val", "test_x")):
        found = sorted(name for name in folders if name.startswith(f"{part}/"))
        if len(found) != len(NAMES) or not all(
            WORDNET_ID.fullmatch(name.rpartition("/")[2]) for name in found
        ):
            reason = f"{part} holds {len(found)} folders of images instead of the {len(NAMES)} of ImageNet's classes"
            raise UserError(f"{source.folder}: {reason}; {ADVICE}")
        names = []
        for name in found:
            if len(folders[name]) < per_class[part]:
                reason = f"{name} has {len(folders[name])} images, fewer than {per_class[part]}"
                raise UserError(f"{source.folder}: {reason}; {ADVICE}")
            names += folders[name][: per_class[part]]
        path = source.target and source.target / f"{key}.npy"
        arrays.append(read_images(tree, names, SIDE, path, shorter=SIDE))
        arrays.append(np.repeat(np.arange(len(NAMES)), per_class[part]))
    return Arrays(*arrays)


CARD = DatasetCard(
    name="imagenet",
    summary="256×256 colour images of the 1,000 classes of ImageNet, read from your own copy",
    classes=NAMES,
    shape=(3, SIDE, SIDE),
    train=len(NAMES) * PER_CLASS["train"],
    test=len(NAMES) * PER_CLASS["val"],
    mean=(0.485, 0.456, 0.406),
    std=(0.229, 0.224, 0.225),
    source="ImageNet, ILSVRC 2012 (Russakovsky et al. 2015)",
    licence="research only; images must not be passed on",
    load=load,
    needs_folder=True,
)
