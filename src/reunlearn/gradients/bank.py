"""Banks of past forget gradients, to find a joint direction that the others of the forget set would take."""

from __future__ import annotations

import torch
from torch import Tensor


class EpochBank:
    """The gradients of the previous epoch, one per batch (GDR-GMA, Eq. 3).

    Two epochs are held at once: at most 2 · batches · P numbers for vectors of length P.
    """

    def __init__(self) -> None:
        self._previous: Tensor | None = None  # [entries, P]
        self._current: list[Tensor] = []

    def add(self, gradient_P: Tensor) -> None:
        """Store a gradient for the next epoch."""
        self._current.append(gradient_P)

    def turn(self) -> None:
        """Let the gradients stored since the last turn be the previous epoch's."""
        self._previous = None  # freed before the copy is made
        self._previous = torch.stack(self._current) if self._current else None
        self._current = []

    def joint(self, direction_P: Tensor) -> Tensor:
        """Return the mean [P] of the entries that conflict with a direction (Eq. 5); zeros if none does."""
        if self._previous is None:
            return torch.zeros_like(direction_P)
        chosen = (self._previous @ direction_P < 0).to(direction_P.dtype)
        return chosen @ self._previous / chosen.sum().clamp(min=1)


class DriftingBank:
    """The last `size` gradients, first in first out, as GDR-GMA's released code keeps them.

    Reading it changes it: where two or more entries are chosen, the first of them becomes their sum. The
    vectors that are put in are copied, so that only the bank itself drifts.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: list[Tensor] = []

    def add(self, gradient_P: Tensor) -> None:
        """Store a gradient; the oldest goes when the bank is full."""
        self._entries.append(gradient_P.clone())
        del self._entries[: -self._size]

    def read(self, direction_P: Tensor) -> Tensor | None:
        """Return the mean [P] of the entries that conflict with a direction, None if none does."""
        conflicts = (torch.stack(self._entries) @ direction_P < 0).tolist()
        chosen = [entry for entry, conflict in zip(self._entries, conflicts, strict=True) if conflict]
        if not chosen:
            return None
        total = chosen[0]
        for entry in chosen[1:]:
            total += entry  # in place: this is the drift
        return total / len(chosen)
