"""Forget samples by a score that trained models give: the fields, the check and the order of the kinds that do.

The models are those of the experiment's own training. Their digest stands in the scenario's name: another recipe, or
more models, may choose other samples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, model_validator

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._steps import check_steps, equal_parts
from reunlearn.study.cards import DatasetCard
from reunlearn.study.scenario import Scenario

if TYPE_CHECKING:
    import numpy as np


class ByScore(Scenario):
    """What the kinds share that ask trained models."""

    FROM_PLAN: ClassVar[tuple[str, ...]] = ("models",)

    count: int | None = Field(None, ge=1, description="number of samples; give this or `fraction`")
    fraction: float | None = Field(
        None, gt=0, lt=1, description="share of the training set; give this or `count`"
    )
    models: str | None = Field(None, description="eight hex digits of the models that are asked")

    @model_validator(mode="after")
    def _one_of_both(self) -> ByScore:
        if (self.count is None) == (self.fraction is None):
            raise ValueError(f"scenario '{self.kind}' takes 'count' or 'fraction', one of them")
        return self

    @property
    def name(self) -> str:
        """The name of the scenario, and the digest of the models where the plan knows it."""
        return super().name + (f"~{self.models}" if self.models else "")

    def resolved(self, models: str = "") -> Scenario:
        """Return the scenario with the digest of the models that it asks."""
        return self.model_copy(update={"models": models})

    def size(self) -> Any:
        """Return the number or the share, as a part of the name."""
        return self.count if self.count is not None else f"{self.fraction:g}"

    def size_words(self) -> str:
        """Return the number or the share in words."""
        if self.count is not None:
            return f"{self.count} samples"
        return f"{100 * (self.fraction or 0):g} % of the training set"

    def number(self, train: int) -> int:
        """Return how many of so many training samples are forgotten."""
        return self.count if self.count is not None else round((self.fraction or 0) * train)

    def check(self, card: DatasetCard, train: int, where: str) -> None:
        """Refuse none and all of the samples."""
        if not 0 < self.number(train) < train:
            raise UserError(f"{where}: {self.size_words()} would be {self.number(train)} of {train} samples")
        check_steps(self.number(train), self, "samples", where)

    def parts(self, card: DatasetCard, train: int) -> tuple[int, ...]:
        """Return equal parts of the samples."""
        return equal_parts(self.number(train), self)


def lowest_first(values_N: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return rows [N] by rising value; equal values in an order that the generator draws."""
    import numpy as np

    return np.lexsort((generator.permutation(len(values_N)), values_N))
