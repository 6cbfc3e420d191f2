"""Forget as many samples of each class, or the same share of each, drawn at random."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._per_class import check_budget, shares
from reunlearn.data.scenarios._steps import check_steps, equal_parts, no_classes
from reunlearn.data.scenarios._whole_classes import ClassNumbers, check_known, numbered
from reunlearn.data.scenarios.registry import Selection, TrainingSet
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario


class RandomPerClass(Scenario):
    """Samples of each class, drawn at random within the class."""

    count: int | None = Field(None, ge=1, description="samples per class; give this or `fraction`")
    fraction: float | None = Field(None, gt=0, lt=1, description="share of each class; give this or `count`")
    classes: ClassNumbers | None = Field(None, description="numbers of the classes; all classes if absent")

    @model_validator(mode="after")
    def _one_of_both(self) -> RandomPerClass:
        if (self.count is None) == (self.fraction is None):
            raise ValueError("scenario 'random_per_class' takes 'count' or 'fraction', one of them")
        return self

    def labels(self) -> list[Any]:
        """Return the number or the share, and the classes where some are named."""
        return [f"{self.fraction:g}" if self.fraction else self.count, *(self.classes or ())]

    def words(self) -> str:
        """Return how many of which classes."""
        whose = numbered("class", "classes", self.classes) if self.classes else "each class"
        if self.fraction:
            return f"a random {100 * self.fraction:g} % of {whose}"
        return f"{self.count} samples of {whose}, drawn at random"

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse unknown classes, more samples than a class has, and a share that is none of them."""
        check_known(self.classes or (), card.classes, "class", card.name, where)
        if self.count:
            check_budget(self.count, self.classes or range(card.classes), card, train, where)
            check_steps(self.count, self, "samples per class", where)
            return
        counts = card.class_counts or (card.train // card.classes,) * card.classes
        for label in self.classes or range(card.classes):
            expected = -(-counts[label] * train // card.train)  # the proportion, rounded up
            if self._of(expected) < self.steps:
                raise UserError(
                    f"{where}: fraction {self.fraction} of {expected} samples of class {label} is too little for "
                    f"{self.steps} {'steps' if self.steps > 1 else 'step'}"
                )

    def parts(self, card: DatasetCard, train: int) -> tuple[int, ...]:
        """Return equal parts of each class's samples; of a share only the data can tell."""
        if self.count is None:
            return ()
        classes = len(self.classes or range(card.classes))
        return tuple(classes * part for part in equal_parts(self.count, self))

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return samples of each class, an equal share of each class in each step.

        A smaller `count` or `fraction` chooses a part of what a larger one chooses.
        """
        import numpy as np

        generator = np.random.default_rng([split_seed, 4])
        drawn = {
            label: generator.permutation(np.flatnonzero(samples.y == label))
            for label in np.unique(samples.y).tolist()
        }
        members = {label: drawn.get(label, np.arange(0)) for label in self.classes or drawn}
        counts = {label: self.count or self._of(len(rows)) for label, rows in members.items()}
        return Selection(shares(samples, members, counts, self), samples.y, no_classes(self))

    def _of(self, count: int) -> int:
        """Return how many of so many samples of a class are forgotten."""
        return round((self.fraction or 0) * count)
