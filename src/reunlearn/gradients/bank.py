"""Banks of past forget gradients, and the joint gradient of those that conflict with a direction.

A bank holds one row [P] per unit of the forget set (a batch, or a sample). Its joint gradient for a direction is
the mean of the rows that conflict with the direction (GDR-GMA, Eq. 5), or zeros where none conflicts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor

# rows stored for each unit of the forget set
ROWS = {"previous_epoch": 2, "fifo": 1, "recompute": 0, "off": 0}


def bank_bytes(kind: str, units: int, width: int, itemsize: int) -> int:
    """Return the most memory [bytes] that a bank of this kind takes.

    Args:
        kind: a key of ROWS; "previous_epoch" stores two epochs: the one that is read and the one that is collected.
        units: number of batches or samples of the forget set in one epoch.
        width: number of entries P of a row.
        itemsize: bytes per entry.
    """
    return ROWS[kind] * units * width * itemsize


class Bank(Protocol):
    """Stored gradients of the forget set and their joint gradient."""

    def add(self, rows_EP: Tensor) -> None:
        """Store the gradients of a step."""

    def joint(self, direction_P: Tensor) -> Tensor:
        """Return the joint gradient [P] for a direction."""

    def end_epoch(self) -> None:
        """Note the end of an epoch."""

    def state(self) -> dict[str, Tensor]:
        """Return what the next epoch reads."""

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned at the end of an epoch; of nothing, begin."""


class EpochBank:
    """The gradients of the previous epoch (GDR-GMA, Eq. 3); two epochs are stored at once.

    Args:
        drifts: reading the bank changes its rows, as in the released code; see `drifting_mean`.
        dtype: of the stored rows; None stores them in the dtype that they have.
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
        """Make the gradients stored during this epoch those of the previous epoch."""
        self._previous = None  # freed before the copy is made
        self._previous = torch.cat(self._current) if self._current else None
        self._current = []

    def state(self) -> dict[str, Tensor]:
        """Return what the next epoch reads."""
        return {} if self._previous is None else {"previous": self._previous}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned at the end of an epoch; of nothing, begin."""
        self._previous = state.get("previous")


class FifoBank:
    """The last `size` gradients, first in first out, read from the second epoch on (GDR-GMA, released code).

    Args:
        size: number of rows.
        drifts, dtype: as in EpochBank.
    """

    def __init__(self, size: int, drifts: bool = False, dtype: torch.dtype | None = None) -> None:
        self._mean = drifting_mean if drifts else conflicting_mean
        self._size, self._dtype = size, dtype
        self._rows_EP: Tensor | None = None  # a ring: gradient number i is stored in row i % size
        self._added, self._ready = 0, False

    def add(self, rows_EP: Tensor) -> None:
        """Store gradients; when the bank is full they replace the oldest."""
        if self._rows_EP is None:
            dtype = self._dtype or rows_EP.dtype
            self._rows_EP = rows_EP.new_zeros((self._size, rows_EP.shape[1]), dtype=dtype)
        self._added += len(rows_EP)
        newest_EP = rows_EP[-self._size :]
        places = torch.arange(self._added - len(newest_EP), self._added) % self._size
        self._rows_EP[places.to(newest_EP.device)] = newest_EP.to(self._rows_EP.dtype)

    def joint(self, direction_P: Tensor) -> Tensor:
        """Return the joint gradient [P]; zeros throughout the first epoch."""
        if self._rows_EP is None or not self._ready:
            return torch.zeros_like(direction_P)
        count = min(self._added, self._size)
        by_age = [i % self._size for i in range(self._added - count, self._added)]
        return self._mean(self._rows_EP[:count], by_age, direction_P)

    def end_epoch(self) -> None:
        """Allow the bank to be read from now on."""
        self._ready = True

    def state(self) -> dict[str, Tensor]:
        """Return what the next epoch reads."""
        if self._rows_EP is None or not self._ready:
            return {}
        return {"rows": self._rows_EP, "added": torch.tensor(self._added)}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on from what `state` returned at the end of an epoch; of nothing, begin."""
        if state:
            self._rows_EP, self._added, self._ready = state["rows"], int(state["added"]), True


def conflicting_mean(rows_EP: Tensor, order: Sequence[int], direction_P: Tensor) -> Tensor:
    """Return the mean [P] of the rows that conflict with a direction; zeros if none conflicts. `order` is not used."""
    chosen_E = (rows_EP @ direction_P.to(rows_EP.dtype) < 0).to(rows_EP.dtype)
    return (chosen_E @ rows_EP / chosen_E.sum().clamp(min=1)).to(direction_P.dtype)


def drifting_mean(rows_EP: Tensor, order: Sequence[int], direction_P: Tensor) -> Tensor:
    """Return this mean [P] as GDR-GMA's released code computes it: twice, and in place.

    The code adds the conflicting rows, in `order`, to the first of them; where two or more rows conflict, the first
    one keeps this sum. It computes the mean once to see whether any row conflicts, and a second time to use it.
    """
    if _mean_in_place(rows_EP, order, direction_P) is None:
        return torch.zeros_like(direction_P)
    mean_P = _mean_in_place(rows_EP, order, direction_P)
    return torch.zeros_like(direction_P) if mean_P is None else mean_P.to(direction_P.dtype)


def _mean_in_place(rows_EP: Tensor, order: Sequence[int], direction_P: Tensor) -> Tensor | None:
    """Return the mean of the conflicting rows, None if none conflicts; changes the first of them."""
    conflicts = (rows_EP @ direction_P.to(rows_EP.dtype) < 0).tolist()
    chosen = [i for i in order if conflicts[i]]
    if not chosen:
        return None
    total_P = rows_EP[chosen[0]]
    for i in chosen[1:]:
        total_P += rows_EP[i]  # in place, in the bank
    return total_P / len(chosen)


def streamed_joint(gradients: Iterable[Sequence[Tensor]], directions: Sequence[Tensor]) -> list[Tensor]:
    """Return the joint gradient [P] for each direction, from gradients that are read once and not stored.

    Args:
        gradients: yields rows [E, P] for each direction, of a few units of the forget set at a time.
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
