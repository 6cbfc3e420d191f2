"""Forget whole sub-classes that the study names: a part of a class goes, the rest of the class stays."""

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


class Subclass(WholeClasses):
    """Whole sub-classes, of a dataset that has them."""

    DRAWS: ClassVar[bool] = False
    SUBCLASSES: ClassVar[bool] = True

    subclasses: ClassNumbers = Field(description="sub-class numbers")

    def labels(self) -> list[Any]:
        """Return the numbers of the sub-classes."""
        return list(self.subclasses)

    def words(self) -> str:
        """Return which sub-classes."""
        return f"{numbered('sub-class', 'sub-classes', self.subclasses)}, whole"

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse a dataset without sub-classes, and unknown ones."""
        known = len(card.fine_classes)
        if not known:
            raise UserError(f"{where}: {card.name} has no sub-classes; cifar20 has")
        check_known(self.subclasses, known, "sub-class", card.name, where)
        check_steps(len(self.subclasses), self, "classes", where)

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return all samples of the sub-classes; these are dealt to the steps in their order."""
        if samples.fine is None:
            raise UserError("scenario 'subclass' needs a dataset with sub-classes, such as cifar20")
        return whole(samples.fine, list(self.subclasses), samples, self)
