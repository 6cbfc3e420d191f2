"""Membership-inference attacks: one file each, arrays in and a result out, each with a definition card."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from reunlearn.metrics.outputs import Pool


@dataclass(frozen=True)
class AttackCard:
    """What a column of an attack means."""

    name: str
    title: str  # heading of the column
    compares: str  # what is compared with what
    unit: str
    direction: str  # whether a higher or a lower value is more leakage
    ideal: str  # the value of a model that never saw the forget set, and why
    source: str
    pools: tuple[str, ...] = ()  # pools of shadow models that it needs, by their names in a study's `shadows`
    cost: str = ""  # models to train, fits, memory
    ordered: tuple[str, ...] = ()  # sets of which the first samples are taken, so that their order matters
    least: dict[str, int] = field(default_factory=dict)  # the fewest samples that it needs of a set
    sets: tuple[str, ...] = ()  # sets that it reads and that not every study has: validation
    headline: bool = False  # whether the first table averages its gap to Retrain


@dataclass(frozen=True)
class ShadowPools:
    """Pools of shadow models by name, and the logits of a retrained reference on forget [n, K], where there is one."""

    pools: dict[str, Pool]
    reference: np.ndarray | None

    def retrained(self, name: str) -> np.ndarray:
        """Return the logits of the retrained model on forget [n, K].

        Raises:
            ValueError: there is none; `name`: of the attack that reads it.
        """
        if self.reference is None:
            raise ValueError(f"attack '{name}' needs a retrained reference")
        return self.reference


@dataclass(frozen=True)
class AttackResult:
    """An attack's number, and a score for each sample.

    Attributes:
        value: the paper's own headline number.
        member_scores, other_scores: a higher score means more likely a member; AUC and its interval follow from them.
        details: further numbers.
    """

    value: float
    member_scores: np.ndarray
    other_scores: np.ndarray
    details: dict[str, Any] = field(default_factory=dict)


def get(name: str) -> Any:
    """Return an attack's module."""
    return importlib.import_module(f"reunlearn.attacks.{name}")


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of an attack: it is a measure that reads outputs."""
    module = get(name)
    facts = asdict(module.CARD)
    headline = facts.pop("headline")
    return {
        **facts,
        "summary": (module.__doc__ or "").strip().splitlines()[0],
        "reads": ("outputs", "reference") if facts["pools"] else ("outputs",),
        "capabilities": ("outputs",),
        "headline": (name,) if headline else (),
        "attack": True,
    }
