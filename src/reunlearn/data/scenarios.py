"""What is to be forgotten: scenario → indices. Depends on dataset, scenario and split seed, nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np


def forget_mask(y_N: np.ndarray, scenario: dict[str, Any], split_seed: int) -> np.ndarray:
    """Return a mask [N] over the training set: True where a sample is to be forgotten.

    Args:
        y_N: labels of the training set.
        scenario: `{"kind": "random", "fraction": f}` or `{"kind": "class", "classes": [c, …]}`.
        split_seed: draws the random fraction; whole classes do not depend on it.

    Raises:
        ValueError: nothing, or everything, would be forgotten.
    """
    mask_N = np.zeros(len(y_N), dtype=bool)
    if scenario["kind"] == "random":
        count = round(scenario["fraction"] * len(y_N))
        mask_N[np.random.default_rng([split_seed, 1]).permutation(len(y_N))[:count]] = True
    else:
        mask_N = np.isin(y_N, scenario["classes"])
    if not mask_N.any() or mask_N.all():
        raise ValueError(f"scenario {scenario} would forget {mask_N.sum()} of {len(y_N)} samples")
    return mask_N
