"""CIFAR-10: 60,000 colour images of ten classes, 32×32, from the authors' python archive.

The archive holds pickles. They are read by an Unpickler that knows the three names a numpy array is made of
and refuses every other, so that no file can make it call anything else; their MD5 is checked before that.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.data.sets.registry import Arrays, DatasetCard
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

# numpy's own function, found without naming the private module that it moved to in numpy 2
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


class ArrayUnpickler(pickle.Unpickler):
    """Reads numbers, bytes, lists, dicts and numpy arrays; raises UnpicklingError on any other name."""

    def find_class(self, module: str, name: str) -> Any:
        """Return one of the allowed objects."""
        if (module, name) not in ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} has no place in a CIFAR file")
        return ALLOWED[module, name]


def read_batch(content: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return images [N, 3, 32, 32] uint8 and labels [N] int64 of one official file."""
    batch = ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
    return batch[b"data"].reshape(-1, 3, 32, 32), np.asarray(batch[b"labels"], dtype=np.int64)


def load(downloads: Path) -> Arrays:
    """Return the five training files and the test file, in the official order."""
    batches = {name: read_batch(content) for name, content in contents(ARCHIVE, downloads)}
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
    source="https://www.cs.toronto.edu/~kriz/cifar.html (Krizhevsky 2009); mean and std as in GDR-GMA",
    licence="none stated by the authors; customary research use",
    load=load,
)
