"""Images of CIFAR-10's size for benchmarks, arrays [N, C, H, W] uint8 and labels [N]: the real ones, or drawn ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reunlearn.base.caches import state_dir
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.data.sets import cifar10
from reunlearn.data.sets.registry import Arrays, Source

CARD = cifar10.CARD
CLASSES = len(CARD.classes)
AUGMENTATION = Augmentation(("crop", "flip"))


def drawn(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return random images, for speed alone."""
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (count, *CARD.shape), dtype=np.uint8), random.integers(CLASSES, size=count)


def real(train: int, test: int) -> Arrays:
    """Return the first images of CIFAR-10's two sets; they are fetched where REUNLEARN_DATA_MIRROR has them not."""
    arrays = cifar10.load(Source(Path(state_dir()) / "downloads"))
    return Arrays(arrays.train_x[:train], arrays.train_y[:train], arrays.test_x[:test], arrays.test_y[:test])


def samples(x_NCHW: np.ndarray, y_N: np.ndarray) -> ImageSamples:
    """Return the images as jobs hold them."""
    assert CARD.mean and CARD.std
    rows = np.arange(len(y_N))
    return ImageSamples(x_NCHW, y_N, rows, CARD.mean, CARD.std, augmentation=AUGMENTATION)
