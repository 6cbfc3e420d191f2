"""Membership-inference attacks: one file each, arrays in and a result out, each with a definition card."""

from __future__ import annotations

import importlib
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class AttackCard:
    """What a column of an attack means."""

    name: str
    title: str  # heading of the column
    compares: str  # what is compared with what
    unit: str
    direction: str  # which way leakage is
    ideal: str  # the value of a model that never saw the forget set, and why
    column_of: str  # whose paper's column it is
    source: str
    shadows: bool = False  # whether it needs pools of shadow models
    ordered: tuple[str, ...] = ()  # sets of which the first samples are taken, so that their order matters


@dataclass(frozen=True)
class Outputs:
    """What a model says: logits [N, K] and labels [N] per set (forget, retain, validation, test)."""

    logits: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]

    def comparable_test(self) -> np.ndarray:
        """Return a mask [N] of the test samples whose class occurs in forget: unseen but alike."""
        mask = np.isin(self.labels["test"], self.labels["forget"])
        if not mask.any():
            raise ValueError(
                "no test sample has a class of the forget set; nothing can be compared with forget"
            )
        return mask


@dataclass(frozen=True)
class Shadows:
    """Outputs of shadow models on the forget set, and of a retrained reference model."""

    inside: np.ndarray  # logits [models, forget samples, K] of models trained with the forget set
    outside: np.ndarray  # the same of models trained without it
    reference: np.ndarray  # logits [forget samples, K] of a retrained model


@dataclass(frozen=True)
class AttackResult:
    """An attack's number, and the scores behind it where it has any.

    Attributes:
        value: the paper's own headline number; NaN when the model's outputs are not finite.
        member_scores, other_scores: higher says more member; from these come AUC and its interval.
        details: further numbers.
    """

    value: float
    member_scores: np.ndarray
    other_scores: np.ndarray
    details: dict[str, Any] = field(default_factory=dict)


class Attack(Protocol):
    """An attack module: CARD and run."""

    CARD: AttackCard

    def run(self, outputs: Outputs, shadows: Shadows | None, seed: int) -> AttackResult:
        """Attack one model."""


def get(name: str) -> Any:
    """Return an attack's module."""
    return importlib.import_module(f"reunlearn.attacks.{name}")


def card(name: str) -> dict[str, Any]:
    """Return an attack's definition card."""
    return asdict(get(name).CARD)
