"""CIFAR-10: 60,000 colour images of ten classes, 32×32, from the authors' python archive."""

from __future__ import annotations

import numpy as np

from reunlearn.data.cifar_files import read_batch
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source
from reunlearn.data.sources import Archive, contents

FOLDER = "cifar-10-batches-py"
TRAIN = {
    f"{FOLDER}/data_batch_1": "c99cafc152244af753f735de768cd75f",
    f"{FOLDER}/data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    f"{FOLDER}/data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    f"{FOLDER}/data_batch_4": "634d18415352ddfa80567beed471001a",
    f"{FOLDER}/data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
}
TEST = {f"{FOLDER}/test_batch": "40351d587109b95175f43aff81a1287e"}
ARCHIVE = Archive(
    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    md5="c58f30108f718f92721af3b95e74349a",
    members=TRAIN | TEST,
)


def load(source: Source) -> Arrays:
    """Return the five training files and the test file, in the official order."""
    batches = {name: read_batch(content, "labels") for name, content in contents(ARCHIVE, source.downloads)}
    train_x, train_y = (np.concatenate([batches[name][part] for name in TRAIN]) for part in (0, 1))
    test_x, test_y = (np.concatenate([batches[name][part] for name in TEST]) for part in (0, 1))
    return Arrays(train_x, train_y, test_x, test_y)


CARD = DatasetCard(
    name="cifar10",
    summary="32×32 colour images of ten kinds of things",
    classes=("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
    shape=(3, 32, 32),
    train=50_000,
    test=10_000,
    mean=(0.4914, 0.4822, 0.4465),
    std=(0.2023, 0.1994, 0.2010),
    source=f"Krizhevsky 2009, {ARCHIVE.origin}; mean and std as in GDR-GMA",
    licence="none stated by the authors; customary research use",
    load=load,
)
