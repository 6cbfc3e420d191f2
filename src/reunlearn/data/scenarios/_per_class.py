"""Forget a number of samples of each class: the check and the shares of the kinds that do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._steps import even
from reunlearn.data.scenarios.registry import STAYS, TrainingSet
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np


def check_budget(count: int, wanted: Iterable[int], card: DatasetCard, train: int, where: str) -> None:
    """Refuse more samples of a class than the training set can hold of it.

    Args:
        count: samples to forget of each class.
        wanted: the numbers of the classes.
        card: the dataset's.
        train: number of training samples of the study; it keeps the proportions of the classes.
        where: begins the error line.
    """
    counts = card.class_counts or [card.train // card.classes] * card.classes
    for label in wanted:
        most = min(counts[label], -(-counts[label] * train // card.train))  # the proportion, rounded up
        if count > most:
            raise UserError(
                f"{where}: {count} samples of class {label} are to be forgotten; there are {most}"
            )


def shares(
    samples: TrainingSet, members: dict[int, np.ndarray], counts: dict[int, int], scenario: Scenario
) -> np.ndarray:
    """Return parts [N]: of each class its first members, an equal share in each step; all others stay.

    Args:
        samples: the training set.
        members: the rows of each class, in the order in which they are taken.
        counts: how many of them are taken.
        scenario: says how many steps there are.

    Raises:
        UserError: a class has fewer members.
    """
    import numpy as np

    part = np.full(len(samples), STAYS)
    for label, rows in members.items():
        count = counts[label]
        if len(rows) < count:
            raise UserError(
                f"scenario '{scenario.kind}' wants {count} samples of class {label}; "
                f"the training set has {len(rows)}"
            )
        for step, share in enumerate(even(rows[:count], scenario, "samples per class")):
            part[share] = step
    return part
