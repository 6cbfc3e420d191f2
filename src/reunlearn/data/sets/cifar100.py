"""CIFAR-100: 60,000 colour images of a hundred classes, 32×32, from the authors' python archive."""

from __future__ import annotations

import numpy as np

from reunlearn.data.cifar_files import read_batch
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.sources import Archive, contents

TRAIN, TEST = "cifar-100-python/train", "cifar-100-python/test"
ARCHIVE = Archive(
    url="https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
    md5="eb9058c3a382ffc7106e4002c42a8d85",
    members={TRAIN: "16019d7e3df5f24257cddd939b257f8d", TEST: "f0ef6b0ae62326f3e7ffdfab6717acfc"},
)
NAMES = """
    apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel
    can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur
    dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion
    lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree
    pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea
    seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table
    tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman
    worm
"""
CLASSES = tuple(NAMES.split())


def read_both(source: Source) -> list[tuple[np.ndarray, ...]]:
    """Return images, coarse labels and fine labels of the training and of the test file."""
    files = {
        name: read_batch(content, "coarse_labels", "fine_labels")
        for name, content in contents(ARCHIVE, source.downloads)
    }
    return [files[TRAIN], files[TEST]]


def load(source: Source) -> Arrays:
    """Return the official files with the fine labels."""
    (train_x, _, train_y), (test_x, _, test_y) = read_both(source)
    return Arrays(train_x, train_y, test_x, test_y)


CARD = DatasetCard(
    name="cifar100",
    summary="32×32 colour images of a hundred kinds of things",
    classes=CLASSES,
    shape=(3, 32, 32),
    train=50_000,
    test=10_000,
    mean=(0.5071, 0.4866, 0.4409),
    std=(0.2673, 0.2564, 0.2762),
    source=f"Krizhevsky 2009, {ARCHIVE.origin}; mean and std of the training pixels, as in SalUn",
    licence="none stated by the authors; customary research use",
    load=load,
)
