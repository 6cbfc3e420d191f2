"""Declarations of a method that the planner reads: the data that it may see, and its hyper-parameters."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

When = bool | dict[str, list[Any]]  # always, never, or if hyper-parameters have one of these values


@dataclass(frozen=True)
class Needs:
    """The data and training-time state that a method may read; reading anything else is an error."""

    forget: When = False
    retain: When = False
    validation: When = False
    true_labels: When = False  # of samples that the original was trained on with wrong labels
    state: dict[str, When] = field(default_factory=dict)  # kinds of training-time state
    weight_decay: When = False  # in the recipe that the original was trained with
    recipe: When = False  # that the original was trained with, or a number of it

    def as_card(self) -> dict[str, Any]:
        """Return the needs as JSON."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Divergence:
    """One point where a paper and its released code differ."""

    where: str  # equation, algorithm line, section
    paper: str
    code: str


def hyper(
    default: Any,
    doc: str,
    *,
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    choices: tuple[Any, ...] | None = None,
) -> Any:
    """Declare a hyper-parameter: its default, its meaning and unit, its range."""
    facts = {"doc": doc, "ge": ge, "gt": gt, "le": le, "lt": lt, "choices": choices}
    return dataclasses.field(default=default, metadata={k: v for k, v in facts.items() if v is not None})
