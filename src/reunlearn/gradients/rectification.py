"""Gradient direction rectification (GDR): the two gradients of a step lose their conflict with each other and a bank.

Both the forget ascent a and the retain descent d are lists of tensors, one per parameter; the weights move against
both. They are returned without conflict (GDR-GMA, Sec. 4.1, Algorithm 1).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from reunlearn.base.prefixes import below
from reunlearn.gradients.bank import Bank, streamed_joint
from reunlearn.gradients.flat import flatten, unflatten
from reunlearn.gradients.projection import rectify, rectify_in_turn, unconflicted

Projection = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
PROJECTIONS: dict[str, Projection] = {"exact": rectify, "in_turn": rectify_in_turn}


class Memory(Protocol):
    """The gradients of the whole forget set, stored or computed again; a block is a vector of tensors."""

    def add(self, blocks: Sequence[Tensor]) -> None:
        """Store the gradients of a step: rows [E, P] for each block."""

    def joint(self, directions: Sequence[Tensor]) -> list[Tensor]:
        """Return the joint gradient [P] for the direction [P] of each block."""

    def end_epoch(self) -> None:
        """Note the end of an epoch."""

    def state(self) -> dict[str, Tensor]:
        """Return what the next epoch reads."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned at the end of an epoch; of nothing, begin."""


@dataclass
class Banked:
    """One bank per block."""

    banks: list[Bank]

    def add(self, blocks: Sequence[Tensor]) -> None:
        """Store the gradients of a step."""
        for bank, rows_EP in zip(self.banks, blocks, strict=True):
            bank.add(rows_EP)

    def joint(self, directions: Sequence[Tensor]) -> list[Tensor]:
        """Return the joint gradients."""
        return [bank.joint(v_P) for bank, v_P in zip(self.banks, directions, strict=True)]

    def end_epoch(self) -> None:
        """Note the end of an epoch in every bank."""
        for bank in self.banks:
            bank.end_epoch()

    def state(self) -> dict[str, Tensor]:
        """Return what the next epoch reads."""
        return {f"{number}.{k}": v for number, bank in enumerate(self.banks) for k, v in bank.state().items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned at the end of an epoch; of nothing, begin."""
        for number, bank in enumerate(self.banks):
            bank.restore(below(state, f"{number}."))


@dataclass
class Recomputed:
    """No bank: the gradients of the whole forget set, computed anew for each step (GDR-GMA, Table 5)."""

    source: Callable[[], Iterable[Sequence[Tensor]]]  # rows [E, P] for each block, some units at a time

    def add(self, blocks: Sequence[Tensor]) -> None:
        """Keep nothing."""

    def joint(self, directions: Sequence[Tensor]) -> list[Tensor]:
        """Return the joint gradients at the present weights."""
        return streamed_joint(self.source(), directions)

    def end_epoch(self) -> None:
        """Keep nothing."""

    def state(self) -> dict[str, Tensor]:
        """Return what the next epoch reads."""
        return {}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned at the end of an epoch; of nothing, begin."""


@dataclass
class Rectifier:
    """Algorithm 1 of GDR-GMA, whose parts can be left out.

    Attributes:
        projection: one of PROJECTIONS, for the two gradients of a step; None leaves them as they are.
        whole: treat all tensors as one vector; else each tensor is rectified by itself.
        scope: how many of the last tensors the bank covers.
        pair: the gradient that is rectified with the bank: "retain" (d′, where d as given selects the bank's rows)
            or "forget" (a′, which also selects them).
        memory: the forget set's gradients; None leaves the bank out.
    """

    projection: Projection | None
    whole: bool
    scope: int
    pair: str
    memory: Memory | None

    def __call__(
        self, a: list[Tensor], d: list[Tensor], entries: Sequence[Tensor] = ()
    ) -> tuple[list[Tensor], list[Tensor]]:
        """Return both gradients rectified.

        Args:
            a, d: gradients of a step; the weights move against both.
            entries: what the bank stores of this step, [E, *shape] for each tensor of its scope.
        """
        new_a, new_d = (a, d) if self.projection is None else self._without_conflict(a, d, self.projection)
        if self.memory is None:
            return new_a, new_d
        self.memory.add(list(self.blocks(entries, rows=True)))
        if self.pair == "forget":
            return self._rectified_with_bank(new_a, selecting=new_a), new_d
        return new_a, self._rectified_with_bank(new_d, selecting=d)

    def _without_conflict(
        self, a: list[Tensor], d: list[Tensor], project: Projection
    ) -> tuple[list[Tensor], list[Tensor]]:
        pairs = [project(x, y) for x, y in zip(self.blocks(a), self.blocks(d), strict=True)]
        return self._tensors([x for x, _ in pairs], a), self._tensors([y for _, y in pairs], d)

    def _rectified_with_bank(self, target: list[Tensor], selecting: list[Tensor]) -> list[Tensor]:
        """Return the target without its conflict with the joint gradient of the rows that `selecting` selects."""
        assert self.memory is not None
        joint = self.memory.joint(list(self.blocks(selecting[-self.scope :])))
        rest, tail = target[: -self.scope], target[-self.scope :]
        free = [unconflicted(v_P, w_P) for v_P, w_P in zip(self.blocks(tail), joint, strict=True)]
        return rest + self._tensors(free, tail)

    def blocks(self, tensors: Sequence[Tensor], rows: bool = False) -> Iterator[Tensor]:
        """Yield the tensors as one vector [P] or one vector for each tensor; as [E, P] where they are E gradients."""
        if not self.whole:
            yield from (t.reshape(len(t), -1) if rows else t.flatten() for t in tensors)
        elif tensors:
            yield torch.cat([t.reshape(len(t), -1) for t in tensors], dim=1) if rows else flatten(tensors)

    def _tensors(self, vectors: list[Tensor], like: list[Tensor]) -> list[Tensor]:
        """Return vectors that `blocks` made, in the shapes of `like`."""
        if self.whole:
            return unflatten(vectors[0], like)
        return [v_P.view_as(t) for v_P, t in zip(vectors, like, strict=True)]
