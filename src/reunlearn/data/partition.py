"""Which images of the official training set a study trains on, and which it holds out."""

from __future__ import annotations

import numpy as np

SEED = 20260701  # of every partition, so that training sets of different studies differ only in their sizes


def partition(y_N: np.ndarray, train: int | None, validation: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (training, validation) indices, each sorted, class proportions kept as nearly as possible.

    Args:
        y_N: labels of the official training set.
        train: number of training images; None takes all that validation leaves.
        validation: number of held-out images.

    Raises:
        ValueError: the numbers are negative or larger than the set.
    """
    count = len(y_N) - validation if train is None else train
    if count < 1 or validation < 0 or count + validation > len(y_N):
        raise ValueError(
            f"{count} training and {validation} validation images cannot be taken of {len(y_N)}; change the numbers"
        )
    order = _interleaved(y_N)
    return np.sort(order[validation : validation + count]), np.sort(order[:validation])


def _interleaved(y_N: np.ndarray) -> np.ndarray:
    """Return a fixed order of all samples, in which the first n have nearly the set's class proportions, for any n."""
    generator = np.random.default_rng(SEED)
    shuffled = generator.permutation(len(y_N))
    place = np.empty(len(y_N))
    for label in np.unique(y_N):
        members = shuffled[y_N[shuffled] == label]
        place[members] = (np.arange(len(members)) + generator.random()) / len(members)
    return np.argsort(place, kind="stable")
