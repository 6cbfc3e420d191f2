"""What a study searches: values of hyper-parameters, a budget of trials, seeds of their own.

`search` of a method gives each hyper-parameter a list of values or a range. A grid that is no larger than the budget is
tried whole; of everything else the budget is drawn at random (Bergstra and Bengio 2012), the same at each planning.
"""

from __future__ import annotations

import itertools
import math
import random
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from reunlearn.base.hashing import full_digest
from reunlearn.study.cards import Value
from reunlearn.study.fields import Name, Setting, Strict

PATIENCE = 100  # draws per trial before a space counts as used up
Candidate = dict[str, Value]


class Range(Strict):
    """Values between two ends, drawn evenly, or evenly in their logarithm. Whole ends give whole numbers."""

    least: int | float = Field(description="smallest value")
    most: int | float = Field(description="largest value")
    scale: Literal["linear", "log"] = Field("linear", description="log: as many draws in each power of ten")

    @model_validator(mode="after")
    def _is_one(self) -> Range:
        if self.least >= self.most:
            raise ValueError(f"least {self.least:g} is not below most {self.most:g}")
        if self.scale == "log" and self.least <= 0:
            raise ValueError(
                f"least {self.least:g} has no logarithm; write scale: linear, or a least above 0"
            )
        return self

    def draw(self, generator: random.Random) -> int | float:
        """Return a value; of real ones three digits, so that a reader can write it down."""
        least, most = float(self.least), float(self.most)
        if isinstance(self.least, int) and isinstance(self.most, int):
            least, most = least - 0.5, most + 0.5
            if self.scale == "log":
                least = max(least, 0.5)
        if self.scale == "log":
            value = math.exp(math.log(least) + generator.random() * math.log(most / least))
        else:
            value = least + generator.random() * (most - least)
        if isinstance(self.least, int) and isinstance(self.most, int):
            return min(max(round(value), self.least), self.most)
        return min(max(float(f"{value:.3g}"), self.least), self.most)


def _several(values: tuple[Value, ...]) -> tuple[Value, ...]:
    """Refuse a single value, which belongs into `settings`, and one that is there twice."""
    if len(values) < 2:
        raise ValueError("one value is a setting; list two or more, or write {least, most}")
    if len({(type(value), value) for value in values}) < len(values):
        raise ValueError("a value is there twice")
    return values


def _form(value: Any) -> str:
    return "range" if isinstance(value, dict | Range) else "list"


# by its form, so that a mistake in one is not reported as one of the other
Choices = Annotated[
    Annotated[tuple[Setting, ...], AfterValidator(_several), Tag("list")] | Annotated[Range, Tag("range")],
    Discriminator(_form),
]
Space = dict[Name, Choices]


def candidates(space: Space, budget: int, seed: int) -> tuple[Candidate, ...]:
    """Return the trials of a space, each once: all of a grid that fits the budget, else so many draws.

    A space that runs out of other values gives fewer. `seed`: of the draws.
    """
    lists = [choices for choices in space.values() if isinstance(choices, tuple)]
    if len(lists) == len(space) and math.prod(map(len, lists)) <= budget:
        return tuple(dict(zip(space, values, strict=True)) for values in itertools.product(*lists))
    written = {name: c if isinstance(c, tuple) else c.model_dump() for name, c in space.items()}
    generator = random.Random(full_digest([written, seed]))
    drawn: dict[str, Candidate] = {}
    for _ in range(PATIENCE * budget):
        candidate = {name: _draw(choices, generator) for name, choices in space.items()}
        drawn.setdefault(full_digest(candidate), candidate)
        if len(drawn) == budget:
            break
    return tuple(drawn.values())


def _draw(choices: tuple[Value, ...] | Range, generator: random.Random) -> Value:
    if isinstance(choices, Range):
        return choices.draw(generator)
    return choices[int(generator.random() * len(choices))]
