"""Forget the samples that are hardest to forget: those with the largest weights of a bi-level optimisation.

Fan et al. 2024; `training/state/forget_weights.py` is the optimisation, and says what is the paper's and what is ours.
The original that is asked is the one whose training seed is the split seed: with a plain number in `seeds` it is the
run's own, and in other runs the same samples are forgotten from other originals.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from reunlearn.data.scenarios._by_score import ByScore, lowest_first
from reunlearn.data.scenarios._steps import dealt, no_classes
from reunlearn.data.scenarios.registry import Selection, TrainingSet

SETTINGS = {"iterations": "it", "epochs": "ep", "learning_rate": "lr", "weight_rate": "wr", "gamma": "g"}


class WorstCase(ByScore):
    """The samples that an unlearned model still knows best, whichever of them it was to forget."""

    READS: ClassVar[tuple[str, ...]] = ("weights",)

    iterations: int = Field(2, ge=1, description="steps of the weights of the samples")
    epochs: int = Field(2, ge=1, description="passes of unlearning before each of these steps")
    learning_rate: float = Field(0.001, gt=0, description="of unlearning, by the signs of gradients")
    weight_rate: float = Field(0.01, gt=0, description="learning rate of the weights of the samples")
    gamma: float = Field(0.0, ge=0, description="coefficient of the squared weights of the samples")

    def labels(self) -> list[Any]:
        """Return the size, and the settings that are not the defaults."""
        fields = type(self).model_fields
        values = {name: getattr(self, name) for name in SETTINGS}
        changed = [f"{SETTINGS[n]}{v:g}" for n, v in values.items() if v != fields[n].default]
        return [self.size(), *changed]

    def words(self) -> str:
        """Return how many."""
        return f"the {self.size_words()} that are hardest to forget (worst case)"

    def select(self, samples: TrainingSet, split_seed: int) -> Selection:
        """Return the samples with the largest weights, dealt to the steps from the largest on."""
        import numpy as np

        if samples.weights is None:
            raise ValueError("scenario 'worst_case' needs the weights of the training samples")
        order = lowest_first(-samples.weights, np.random.default_rng([split_seed, 6]))
        part = dealt(samples, order[: self.number(len(samples))], self)
        return Selection(part, samples.y, no_classes(self), samples.weights)
