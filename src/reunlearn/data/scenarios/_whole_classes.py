"""Forget whole classes or sub-classes: the fields, the check, the words and the selection of the kinds that do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._steps import even
from reunlearn.data.scenarios.registry import STAYS, Selection, TrainingSet
from reunlearn.study.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np


class WholeClasses(Scenario):
    """What the kinds share that forget whole classes or sub-classes."""

    test: Literal["retained"] | None = Field(
        None,
        description="retained: the test set is without classes that are forgotten by then; whole if absent",
    )

    @property
    def name(self) -> str:
        """The scenario's name; it says where the test set is not whole."""
        return super().name + ("-test-retained" if self.limits_test else "")

    @property
    def limits_test(self) -> bool:
        """Whether test samples of forgotten classes are left out of the test set."""
        return self.test is not None

    @property
    def summary(self) -> str:
        """What is forgotten, and what is left out of the test set."""
        left_out = "; the test set is without them" if self.limits_test else ""
        return super().summary + left_out


def _distinct(numbers: tuple[int, ...]) -> tuple[int, ...]:
    for number in numbers:
        if numbers.count(number) > 1:
            raise ValueError(f"{number} is there twice")
    return numbers


ClassNumbers = Annotated[tuple[int, ...], Field(min_length=1), AfterValidator(_distinct)]


def check_known(numbers: tuple[int, ...], known: int, what: str, dataset: str, where: str) -> None:
    """Refuse the number of a class that the dataset does not have.

    Args:
        numbers: of classes.
        known: how many classes the dataset has.
        what: "class" or "sub-class".
        dataset: its name.
        where: begins the error line.
    """
    for number in numbers:
        if not 0 <= number < known:
            raise UserError(f"{where}: no {what} {number}; {dataset} has {what}es 0 to {known - 1}")


def numbered(word: str, plural: str, numbers: tuple[int, ...]) -> str:
    """Return "class 3" or "classes 3, 5"."""
    return f"{word if len(numbers) == 1 else plural} {', '.join(map(str, numbers))}"


def whole(labels_N: np.ndarray, wanted: list[int], samples: TrainingSet, scenario: Scenario) -> Selection:
    """Return all samples with these labels; the labels are dealt to the steps in their order.

    Args:
        labels_N: the class or sub-class of each training sample.
        wanted: the labels to forget.
        samples: the training set.
        scenario: says how many steps there are.

    Raises:
        UserError: no sample has one of the labels.
    """
    import numpy as np

    groups = [group.tolist() for group in even(np.asarray(wanted), scenario, "classes")]
    part = np.full(len(samples), STAYS)
    for step, group in enumerate(groups):
        for label in group:
            if not (labels_N == label).any():
                raise UserError(f"scenario '{scenario.kind}': no training sample has class {label}")
            part[labels_N == label] = step
    return Selection(part, samples.y, groups)
