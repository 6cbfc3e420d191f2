"""Gradient direction rectification (GDR): the paper's rule and the released code's.

Both take the forget ascent a and the retain descent d, one tensor per parameter and both to be descended, and
return them without conflict (GDR-GMA, Sec. 4.1, Algorithm 1).
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from reunlearn.gradients.bank import DriftingBank, EpochBank
from reunlearn.gradients.flat import flatten, unflatten
from reunlearn.gradients.projection import rectify, rectify_in_turn, unconflicted


class Rule(Protocol):
    """How two gradients are made not to conflict."""

    def __call__(self, a: list[Tensor], d: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return both rectified."""

    def end_epoch(self) -> None:
        """Let the bank know that an epoch is over."""


class PaperRule:
    """Algorithm 1 on whole vectors; the bank covers the last `scope` tensors."""

    def __init__(self, scope: int) -> None:
        self.scope = scope
        self.bank = EpochBank()

    def __call__(self, a: list[Tensor], d: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return both rectified."""
        joint = self.bank.joint(flatten(d[-self.scope :]))
        self.bank.add(flatten(a[-self.scope :]))
        new_a, new_d = (unflatten(v_P, a) for v_P in rectify(flatten(a), flatten(d)))
        head, tail = new_d[: -self.scope], new_d[-self.scope :]
        return new_a, head + unflatten(unconflicted(flatten(tail), joint), tail)

    def end_epoch(self) -> None:
        """Turn the bank."""
        self.bank.turn()


class ReleasedRule:
    """The released rule, tensor by tensor; a bank for each of the last `scope` tensors."""

    def __init__(self, scope: int, size: int) -> None:
        self.banks = [DriftingBank(size) for _ in range(scope)]
        self.first_epoch = True

    def __call__(self, a: list[Tensor], d: list[Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """Return both rectified."""
        pairs = [rectify_in_turn(x.flatten(), y.flatten()) for x, y in zip(a, d, strict=True)]
        rectified = [x for x, _ in pairs]
        first = len(a) - len(self.banks)
        for i, bank in enumerate(self.banks, start=first):
            bank.add(a[i].flatten())
            if not self.first_epoch and bank.read(rectified[i]) is not None:
                joint = bank.read(rectified[i])  # not what the read above gave: that one moved an entry
                rectified[i] = rectified[i] if joint is None else unconflicted(rectified[i], joint)
        shaped = [x.view_as(y) for x, y in zip(rectified, a, strict=True)]
        return shaped, [y.view_as(x) for x, (_, y) in zip(a, pairs, strict=True)]

    def end_epoch(self) -> None:
        """Use the bank from now on."""
        self.first_epoch = False
