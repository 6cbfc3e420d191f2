"""Forget the first samples of each class in the official order."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from reunlearn.data.scenarios._per_class import check_budget, shares
from reunlearn.data.scenarios._steps import check_steps, equal_parts, no_classes
from reunlearn.data.scenarios._whole_classes import ClassNumbers, check_known, numbered
from reunlearn.data.scenarios.registry import Selection, TrainingSet
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario


class First(Scenario):
    """The first samples of each class in the official order."""

    DRAWS: ClassVar[bool] = False

    count: int = Field(ge=1, description="samples per class")
    classes: ClassNumbers | None = Field(None, description="numbers of the classes; all classes if absent")

    def labels(self) -> list[Any]:
        """Return the number of samples, and the classes where some are named."""
        return [self.count, *(self.classes or ())]

    def words(self) -> str:
        """Return how many of which classes."""
        whose = numbered("class", "classes", self.classes) if self.classes else "each class"
        return f"the first {self.count} samples of {whose} in the official order"

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse unknown classes, and more samples than a class has."""
        check_known(self.classes or (), card.classes, "class", card.name, where)
        check_budget(self.count, self.classes or range(card.classes), card, train, where)
        check_steps(self.count, self, "samples per class", where)

    def parts(self, card: DatasetCard, train: int) -> tuple[int, ...]:
        """Return equal parts of each class's samples."""
        classes = len(self.classes or range(card.classes))
        return tuple(classes * part for part in equal_parts(self.count, self))

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return the first samples of each class, an equal share of each class in each step."""
        import numpy as np

        wanted = self.classes or np.unique(samples.y).tolist()
        members = {label: np.flatnonzero(samples.y == label) for label in wanted}
        counts = dict.fromkeys(members, self.count)
        return Selection(shares(samples, members, counts, self), samples.y, no_classes(self))
