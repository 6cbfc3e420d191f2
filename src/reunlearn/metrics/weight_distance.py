"""How far two models' weights lie apart: Euclidean distance, also relative to the length of the second.

Buffers (what BatchNorm has averaged) are left out. Networks trained from different initial weights may compute alike
with weights that lie far apart: a distance to Retrain means most where it started from the original's.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

BUFFERS = ("running_mean", "running_var", "num_batches_tracked")


def parameters(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights among a model's tensors: those of floating point that are not averages of BatchNorm."""
    return {
        name: value
        for name, value in tensors.items()
        if name.rpartition(".")[2] not in BUFFERS and np.issubdtype(value.dtype, np.floating)
    }


def distance(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> tuple[float, float] | None:
    """Return (‖first − second‖, ‖first − second‖ / ‖second‖); None where the two are not of one architecture."""
    ours, theirs = parameters(first), parameters(second)
    if {k: v.shape for k, v in ours.items()} != {k: v.shape for k, v in theirs.items()}:
        return None
    pairs = [(ours[name].astype(np.float64), theirs[name].astype(np.float64)) for name in ours]
    apart = float(np.sqrt(sum(float(np.square(a - b).sum()) for a, b in pairs)))
    length = float(np.sqrt(sum(float(np.square(b).sum()) for _, b in pairs)))
    return apart, apart / length if length else float("nan")
