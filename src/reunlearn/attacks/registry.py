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
    pools: tuple[str, ...] = ()  # kinds of pools of shadow models that it needs: POOLS
    cost: str = ""  # what it takes: models to train, fits, memory
    ordered: tuple[str, ...] = ()  # sets of which the first samples are taken, so that their order matters
    sets: tuple[str, ...] = ()  # that it reads and not every study has: validation


POOLS = {
    "with_forget": "originals: trained with the forget set",
    "without_forget": "retrained models: trained without it",
    "halves": "models that were each trained on a random half of training and validation set",
    "unlearned": "originals that then forgot the forget set by the evaluated method",
}


@dataclass(frozen=True)
class Outputs:
    """What a model says: logits [N, K], labels [N] and official numbers [N] per set.

    Sets are forget, retain, validation and test. Numbers go into the official training set, those of test into the
    official test set.
    """

    logits: dict[str, np.ndarray]
    labels: dict[str, np.ndarray]
    index: dict[str, np.ndarray]

    def comparable(self, name: str) -> np.ndarray:
        """Return a mask [N] of the samples of a set whose class occurs in forget: unseen but alike."""
        mask = np.isin(self.labels[name], self.labels["forget"])
        if not mask.any():
            raise ValueError(
                f"no {name} sample has a class of the forget set; nothing can be compared with forget"
            )
        return mask


@dataclass(frozen=True)
class Pool:
    """What M shadow models say of N samples.

    Attributes:
        logits: [M, N, K], half precision.
        member: [M, N], whether a model was trained with a sample.
        index: official training numbers [N], sorted.
        label: true labels [N].
    """

    logits: np.ndarray
    member: np.ndarray
    index: np.ndarray
    label: np.ndarray

    def of(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits [M, n, K] and membership [M, n] of the samples with these official numbers."""
        places = np.searchsorted(self.index, index)
        if not np.array_equal(self.index[np.minimum(places, len(self.index) - 1)], index):
            raise ValueError("a sample is not in the pool of shadow models")
        return self.logits[:, places], self.member[:, places]


@dataclass(frozen=True)
class ShadowPools:
    """Pools of shadow models by kind (POOLS), and what a retrained reference model says of forget [n, K]."""

    pools: dict[str, Pool]
    reference: np.ndarray


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

    def run(self, outputs: Outputs, shadows: ShadowPools | None, seed: int) -> AttackResult:
        """Attack one model."""


def get(name: str) -> Any:
    """Return an attack's module."""
    return importlib.import_module(f"reunlearn.attacks.{name}")


def card(name: str) -> dict[str, Any]:
    """Return an attack's definition card."""
    return asdict(get(name).CARD)
