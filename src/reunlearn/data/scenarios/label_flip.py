"""Forget samples that the original was taught with the label of a paired class; the others learn to be right."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field

from reunlearn.data.scenarios._per_class import check_budget, shares
from reunlearn.data.scenarios._steps import check_steps, no_classes
from reunlearn.data.scenarios._whole_classes import check_known
from reunlearn.data.scenarios.registry import Selection, TrainingSet
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario


def _disjoint(pairs: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    classes = [label for pair in pairs for label in pair]
    if len(set(classes)) < len(classes):
        raise ValueError("a class can be in one pair only")
    return pairs


Pairs = Annotated[tuple[tuple[int, int], ...], Field(min_length=1), AfterValidator(_disjoint)]


class LabelFlip(Scenario):
    """Samples that the original was taught with the label of a paired class."""

    POISONS: ClassVar[bool] = True

    count: int = Field(ge=1, description="samples per class")
    pairs: Pairs | None = Field(
        None, description="pairs of classes whose labels are swapped; drawn at random if absent"
    )

    def labels(self) -> list[Any]:
        """Return the number of samples, and the pairs where some are named."""
        return [self.count, *(f"{a}x{b}" for a, b in self.pairs or ())]

    def words(self) -> str:
        """Return how many of which pairs."""
        which = ", ".join(f"{a} and {b}" for a, b in self.pairs) if self.pairs else "drawn at random"
        return (
            f"{self.count} samples per class that were taught the label of the paired class (pairs: {which})"
        )

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse unknown classes, and more samples than a class has."""
        named = tuple(label for pair in self.pairs or () for label in pair)
        check_known(named, card.classes, "class", card.name, where)
        check_budget(self.count, named or range(card.classes), card, train, where)
        check_steps(self.count, self, "samples per class", where)

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return samples of paired classes, each with the label of the other class.

        A smaller `count` chooses a part of what a larger one chooses.
        """
        import numpy as np

        generator = np.random.default_rng([split_seed, 3])
        pairs = self.pairs
        if pairs is None:
            known = generator.permutation(np.unique(samples.y)).tolist()
            pairs = tuple(zip(known[0::2], known[1::2], strict=False))
        wrong = {a: b for pair in pairs for a, b in (pair, pair[::-1])}
        members = {label: generator.permutation(np.flatnonzero(samples.y == label)) for label in wrong}
        part = shares(samples, members, dict.fromkeys(members, self.count), self)
        taught = samples.y.copy()
        for label, other in wrong.items():
            taught[(part >= 0) & (samples.y == label)] = other
        return Selection(part, taught, no_classes(self))
