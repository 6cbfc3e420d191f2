"""Forget whole classes that the study names."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._steps import check_steps
from reunlearn.data.scenarios._whole_classes import (
    ClassNumbers,
    WholeClasses,
    check_known,
    numbered,
    whole,
)
from reunlearn.data.scenarios.registry import Selection, TrainingSet
from reunlearn.study.cards import DatasetCard


class Class(WholeClasses):
    """Whole classes."""

    DRAWS: ClassVar[bool] = False

    classes: ClassNumbers = Field(description="class numbers")

    @property
    def whole_classes(self) -> tuple[int, ...]:
        """The classes of all steps."""
        return self.classes

    def labels(self) -> list[Any]:
        """Return the numbers of the classes."""
        return list(self.classes)

    def words(self) -> str:
        """Return which classes."""
        return f"{numbered('class', 'classes', self.classes)}, whole"

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse unknown classes, and all classes together."""
        check_known(self.classes, card.classes, "class", card.name, where)
        check_steps(len(self.classes), self, "classes", where)
        if len(self.classes) == card.classes:
            raise UserError(f"{where}: all classes would be forgotten; nothing is left to retain")

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return all samples of the classes; the classes are dealt to the steps in their order."""
        return whole(samples.y, list(self.classes), samples, self)
