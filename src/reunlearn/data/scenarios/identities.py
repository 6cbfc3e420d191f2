"""Forget whole classes that the split seed draws: people, where each class is one person's images."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._steps import check_steps
from reunlearn.data.scenarios._whole_classes import WholeClasses, whole
from reunlearn.data.scenarios.registry import Selection, TrainingSet
from reunlearn.study.cards import DatasetCard


class Identities(WholeClasses):
    """Whole classes, drawn at random."""

    count: int = Field(ge=1, description="number of classes")

    def labels(self) -> list[Any]:
        """Return the number of classes."""
        return [self.count]

    def words(self) -> str:
        """Return how many."""
        return f"{self.count} identities drawn at random, whole"

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse as many classes as there are, or more."""
        if self.count >= card.classes:
            raise UserError(
                f"{where}: {self.count} of {card.classes} identities; nothing would be left to retain"
            )
        check_steps(self.count, self, "classes", where)

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return all samples of the drawn classes; these are dealt to the steps in the order drawn."""
        import numpy as np

        known = np.unique(samples.y)
        if self.count >= len(known):
            raise UserError(f"scenario 'identities' would forget {self.count} of {len(known)} identities")
        drawn = np.random.default_rng([split_seed, 2]).permutation(known)[: self.count]
        return whole(samples.y, drawn.tolist(), samples, self)
