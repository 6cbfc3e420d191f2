"""Which samples of the official sets a study trains on, validates with and tests with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reunlearn.study.specs import DatasetSpec

SEED = 20260701  # of every partition, so that training sets of different studies differ only in their sizes


@dataclass(frozen=True)
class Parts:
    """The samples that a study uses, as sorted numbers into the official sets.

    Attributes:
        train: [N], into the training set.
        validation: [V], into the set that they are taken out of.
        test: [M], into the test set.
        validates_with_test: whether the validation samples are taken out of the test set.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    validates_with_test: bool = False

    @property
    def held_out(self) -> np.ndarray:
        """The validation samples [V] that are taken out of the training set; none where the test set gives them."""
        return self.validation[:0] if self.validates_with_test else self.validation


def parts_of(dataset: DatasetSpec, train_y_N: np.ndarray, test_y_M: np.ndarray) -> Parts:
    """Return which samples a dataset's specification names.

    Args:
        dataset: says how many samples there are, and where those for validation come from.
        train_y_N: labels of the official training set.
        test_y_M: labels of the official test set.

    Raises:
        ValueError: there are fewer samples than are named.
    """
    if dataset.validation_from == "test":
        train, _ = partition(train_y_N, dataset.train, 0)
        test, validation = partition(test_y_M, dataset.test, dataset.validation)
        return Parts(train, validation, test, validates_with_test=True)
    train, validation = partition(train_y_N, dataset.train, dataset.validation)
    test, _ = partition(test_y_M, dataset.test, 0)
    return Parts(train, validation, test)


def partition(y_N: np.ndarray, train: int | None, validation: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (training, validation) indices, each sorted, class proportions kept as nearly as possible.

    Args:
        y_N: labels of an official set.
        train: number of images of the larger part; None takes all that validation leaves.
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
