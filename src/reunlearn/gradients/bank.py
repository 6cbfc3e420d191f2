"""Banks of past forget gradients, to find a joint direction that the others of the forget set would take.

A bank holds one row [P] per unit of the forget set (a batch, or a sample). Its joint gradient for a direction is
the mean of the rows that conflict with it (GDR-GMA, Eq. 5), zeros where none does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor

ROWS = {"previous_epoch": 2, "fifo": 1, "recompute": 0, "off": 0}  # rows held for each unit of the forget set


def bank_bytes(kind: str, units: int, width: int, itemsize: int) -> int:
    """Return the most memory [bytes] that a bank of this kind takes.

    Args:
        kind: one of ROWS; a bank of the previous epoch gathers the next one at the same time.
        units: of the forget set, in one epoch.
        width: entries P of a row.
        itemsize: bytes per entry.
    """
    return ROWS[kind] * units * width * itemsize


class Bank(Protocol):
    """Rows of some gradients and their joint direction."""

    def add(self, rows_EP: Tensor) -> None:
        """Store the gradients of a step."""

    def joint(self, direction_P: Tensor) -> Tensor:
        """Return the joint gradient [P] for a direction."""

    def end_epoch(self) -> None:
        """Let the bank know that an epoch is over."""


class EpochBank:
    """The gradients of the previous epoch (GDR-GMA, Eq. 3); two epochs are held at once.

    Args:
        drifts: reading changes it; see `drifting_mean`.
        dtype: that rows are kept in; as they come if None.
    """

    def __init__(self, drifts: bool = False, dtype: torch.dtype | None = None) -> None:
        self._mean = drifting_mean if drifts else conflicting_mean
        self._dtype = dtype
        self._previous: Tensor | None = None  # [E, P]
        self._current: list[Tensor] = []

    def add(self, rows_EP: Tensor) -> None:
        """Store gradients for the next epoch."""
        self._current.append(rows_EP.to(self._dtype or rows_EP.dtype))

    def joint(self, direction_P: Tensor) -> Tensor:
        """Return the joint gradient [P] of the previous epoch."""
        if self._previous is None:
            return torch.zeros_like(direction_P)
        return self._mean(self._previous, range(len(self._previous)), direction_P)

    def end_epoch(self) -> None:
        """Let the gradients stored since the last epoch be the previous one's."""
        self._previous = None  # freed before the copy is made
        self._previous = torch.cat(self._current) if self._current else None
        self._current = []


class FifoBank:
    """The last `size` gradients, first in first out, read from the second epoch on (GDR-GMA, released code).

    Args:
        size: rows.
        drifts, dtype: as in EpochBank.
    """

    def __init__(self, size: int, drifts: bool = False, dtype: torch.dtype | None = None) -> None:
        self._mean = drifting_mean if drifts else conflicting_mean
        self._size, self._dtype = size, dtype
        self._rows_EP: Tensor | None = None  # a ring: row i holds the gradients added as i, i + size, …
        self._added, self._ready = 0, False

    def add(self, rows_EP: Tensor) -> None:
        """Store gradients; the oldest go when the bank is full."""
        if self._rows_EP is None:
            dtype = self._dtype or rows_EP.dtype
            self._rows_EP = rows_EP.new_zeros((self._size, rows_EP.shape[1]), dtype=dtype)
        self._added += len(rows_EP)
        kept = rows_EP[-self._size :]
        places = torch.arange(self._added - len(kept), self._added) % self._size
        self._rows_EP[places.to(kept.device)] = kept.to(self._rows_EP.dtype)

    def joint(self, direction_P: Tensor) -> Tensor:
        """Return the joint gradient [P]; zeros throughout the first epoch."""
        if self._rows_EP is None or not self._ready:
            return torch.zeros_like(direction_P)
        held = min(self._added, self._size)
        by_age = [i % self._size for i in range(self._added - held, self._added)]
        return self._mean(self._rows_EP[:held], by_age, direction_P)

    def end_epoch(self) -> None:
        """Let the bank be read from now on."""
        self._ready = True


def conflicting_mean(rows_EP: Tensor, order: Sequence[int], direction_P: Tensor) -> Tensor:
    """Return the mean [P] of the rows that conflict with a direction; zeros if none does. `order` is not used."""
    chosen_E = (rows_EP @ direction_P.to(rows_EP.dtype) < 0).to(rows_EP.dtype)
    return (chosen_E @ rows_EP / chosen_E.sum().clamp(min=1)).to(direction_P.dtype)


def drifting_mean(rows_EP: Tensor, order: Sequence[int], direction_P: Tensor) -> Tensor:
    """Return that mean as GDR-GMA's released code does, which moves rows and looks twice.

    A look sums the rows that conflict, in `order`, into the first of them: where two or more do, that one is
    changed for good. The code looks once to see whether there is a mean and uses what a second look gives.
    """
    if _look(rows_EP, order, direction_P) is None:
        return torch.zeros_like(direction_P)
    mean_P = _look(rows_EP, order, direction_P)
    return torch.zeros_like(direction_P) if mean_P is None else mean_P.to(direction_P.dtype)


def _look(rows_EP: Tensor, order: Sequence[int], direction_P: Tensor) -> Tensor | None:
    conflicts = (rows_EP @ direction_P.to(rows_EP.dtype) < 0).tolist()
    chosen = [i for i in order if conflicts[i]]
    if not chosen:
        return None
    total_P = rows_EP[chosen[0]]
    for i in chosen[1:]:
        total_P += rows_EP[i]  # in place, in the bank
    return total_P / len(chosen)


def streamed_joint(gradients: Iterable[Sequence[Tensor]], directions: Sequence[Tensor]) -> list[Tensor]:
    """Return the joint gradient [P] for each direction from gradients that are seen once and not kept.

    Args:
        gradients: for some units of the forget set at a time, rows [E, P] for each direction.
        directions: [P] each.
    """
    totals = [torch.zeros_like(direction_P) for direction_P in directions]
    counts = [direction_P.new_zeros(()) for direction_P in directions]
    for blocks in gradients:
        for i, (rows_EP, direction_P) in enumerate(zip(blocks, directions, strict=True)):
            chosen_E = (rows_EP @ direction_P < 0).to(rows_EP.dtype)
            totals[i] += chosen_E @ rows_EP
            counts[i] += chosen_E.sum()
    return [total_P / count.clamp(min=1) for total_P, count in zip(totals, counts, strict=True)]
