"""Images that the experiment's own network draws before it forgets, of each line of a file of prompts: a class each.

The stage `draw` leaves them in a folder: images.npy [N, C, H, W], uint8, labels.npy [N], classes.json. Every fifth
image of each class is a test image, beginning with the first. Mean and std are those of images in ±1, as VAEs read
them.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json
from reunlearn.data.folder import EVERY
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source

IMAGES, LABELS, CLASSES = "images.npy", "labels.npy", "classes.json"
HALF = 0.5


def load(source: Source) -> Arrays:
    """Return what was drawn, in two parts."""
    folder = _folder(source)
    images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
    label_N = np.load(folder / LABELS, allow_pickle=False)
    test_N = is_test(label_N)
    return Arrays(images[~test_N], label_N[~test_N], images[test_N], label_N[test_N])


def inspect(source: Source) -> DatasetCard:
    """Return the card completed from what was drawn."""
    folder = _folder(source)
    images = np.load(folder / IMAGES, mmap_mode="r", allow_pickle=False)
    label_N = np.load(folder / LABELS, allow_pickle=False)
    test_N, shape = is_test(label_N), tuple(images.shape[1:])
    return replace(
        CARD,
        classes=tuple(read_json(folder / CLASSES)),
        shape=shape,
        train=int((~test_N).sum()),
        test=int(test_N.sum()),
        class_counts=tuple(np.bincount(label_N[~test_N]).tolist()),
        mean=(HALF,) * shape[0],
        std=(HALF,) * shape[0],
    )


def is_test(label_N: np.ndarray) -> np.ndarray:
    """Return which samples [N] are test samples: of each class the first, and every fifth after it."""
    test_N = np.zeros(len(label_N), dtype=bool)
    for k in np.unique(label_N):
        test_N[np.flatnonzero(label_N == k)[::EVERY]] = True
    return test_N


def _folder(source: Source) -> Path:
    if source.folder is None:
        raise UserError("drawn: nothing is drawn yet; a study that names it draws it")
    return source.folder


CARD = DatasetCard(
    name="drawn",
    summary="images that the experiment's own network draws, of your prompts",
    classes=(),
    shape=(3, 0, 0),
    train=0,
    test=0,
    mean=(),
    std=(),
    source="the network of the experiment, before it forgets",
    licence="that of the network",
    load=load,
    inspect=inspect,
    drawn=True,
)
