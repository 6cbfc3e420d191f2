"""Which images of the official training set a study trains on, and which it holds out."""

from __future__ import annotations

import numpy as np

SEED = 20260701  # of every partition: training sets differ between studies by their sizes only


def partition(y_N: np.ndarray, train: int | None, validation: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (training, validation) indices, each sorted, class proportions kept as nearly as possible.

    Args:
        y_N: labels of the official training set.
        train: wanted training images; None takes all that validation leaves.
        validation: wanted held-out images.

    Raises:
        ValueError: more images are wanted than there are.
    """
    wanted = len(y_N) - validation if train is None else train
    if wanted < 1 or validation < 0 or wanted + validation > len(y_N):
        raise ValueError(f"{wanted} training and {validation} validation images of {len(y_N)}")
    order = _interleaved(y_N)
    return np.sort(order[validation : validation + wanted]), np.sort(order[:validation])


def _interleaved(y_N: np.ndarray) -> np.ndarray:
    """Return a fixed order of all samples whose every prefix is as balanced as the set allows."""
    generator = np.random.default_rng(SEED)
    shuffled = generator.permutation(len(y_N))
    place = np.empty(len(y_N))
    for label in np.unique(y_N):
        members = shuffled[y_N[shuffled] == label]
        place[members] = (np.arange(len(members)) + generator.random()) / len(members)
    return np.argsort(place, kind="stable")
