"""The Euclidean distance of two models' weights, absolute and relative to the norm of the second model's weights.

The running averages of BatchNorm are no weights and are left out. Networks trained from different initial weights can
have nearly the same outputs but distant weights: a distance to Retrain says most where Retrain and the original started
from the same initial weights.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

AVERAGES = ("running_mean", "running_var", "num_batches_tracked")  # what BatchNorm keeps of its batches


def parameters(tensors: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the weights among a model's tensors: those of floating point that are not averages of BatchNorm."""
    return {
        name: value
        for name, value in tensors.items()
        if name.rpartition(".")[2] not in AVERAGES and np.issubdtype(value.dtype, np.floating)
    }


def distance(first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray]) -> tuple[float, float] | None:
    """Return (‖first − second‖, ‖first − second‖ / ‖second‖); None where the two have different architectures."""
    first, second = parameters(first), parameters(second)
    if {k: v.shape for k, v in first.items()} != {k: v.shape for k, v in second.items()}:
        return None
    pairs = [(value.astype(np.float64), second[name].astype(np.float64)) for name, value in first.items()]
    absolute = float(np.sqrt(sum(float(np.square(a - b).sum()) for a, b in pairs)))
    norm = float(np.sqrt(sum(float(np.square(b).sum()) for _, b in pairs)))
    return absolute, absolute / norm if norm else float("nan")
