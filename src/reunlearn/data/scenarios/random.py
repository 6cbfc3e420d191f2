"""Forget a random fraction of the training set."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._steps import check_steps, dealt, equal_parts, no_classes
from reunlearn.data.scenarios.registry import Selection, TrainingSet
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario


class Random(Scenario):
    """A random fraction of the training set."""

    fraction: float = Field(gt=0, lt=1, description="share of the training set")

    def labels(self) -> list[Any]:
        """Return the fraction."""
        return [f"{self.fraction:g}"]

    def words(self) -> str:
        """Return the share in percent."""
        return f"a random {100 * self.fraction:g} % of the training set"

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse a fraction that is no sample, or all of them."""
        if not 0 < round(self.fraction * train) < train:
            raise UserError(
                f"{where}: fraction {self.fraction} of {train} samples forgets none or all of them"
            )
        check_steps(round(self.fraction * train), self, "samples", where)

    def parts(self, card: DatasetCard, train: int) -> tuple[int, ...]:
        """Return equal parts of the fraction."""
        return equal_parts(round(self.fraction * train), self)

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return a random fraction, dealt to the steps in the order drawn."""
        import numpy as np

        count = round(self.fraction * len(samples))
        order = np.random.default_rng([split_seed, 1]).permutation(len(samples))[:count]
        return Selection(dealt(samples, order, self), samples.y, no_classes(self))
