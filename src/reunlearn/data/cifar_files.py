"""The official files of CIFAR-10 and CIFAR-100.

They are pickles. They are read by an Unpickler that accepts only the three names that a numpy array needs, so that no
file can make it call anything else; before that their MD5 is checked.
"""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np

# numpy's function is taken from an array, because its module is private in numpy 2
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
            raise pickle.UnpicklingError(
                f"{module}.{name} has no place in a CIFAR file; get the official file"
            )
        return ALLOWED[module, name]


def unpickle(content: bytes) -> dict[bytes, Any]:
    """Return the content of one official file."""
    return ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()


def read_batch(content: bytes, *labels: str) -> tuple[np.ndarray, ...]:
    """Return images [N, 3, 32, 32] uint8 and, for each name of labels, those labels [N] int64."""
    batch = unpickle(content)
    x_NCHW = batch[b"data"].reshape(-1, 3, 32, 32)
    return x_NCHW, *(np.asarray(batch[name.encode()], dtype=np.int64) for name in labels)
