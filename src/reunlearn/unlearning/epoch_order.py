"""The order in which one epoch visits the forget and the retain set."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

ORDERS = ("shuffled", "forget_first", "paired")


def epoch_rows(
    forget: int, retain: int, size: int, order: str, generator: torch.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the rows of each batch of one epoch as (rows of forget, rows of retain).

    Each sample comes once; with "paired" each of forget does, and so many of retain.

    Args:
        forget, retain: lengths of the two sets.
        size: samples per batch; the last batch of an epoch, or of each set, may be smaller.
        order: "shuffled" mixes both sets in every batch; with "forget_first" retain follows forget; "paired" takes as
            many samples of both, until forget ends.
        generator: draws the order.
    """
    if order == "shuffled":
        for rows in torch.randperm(forget + retain, generator=generator).split(size):
            yield rows[rows < forget], rows[rows >= forget] - forget
    elif order == "forget_first":
        none = torch.empty(0, dtype=torch.int64)
        yield from ((rows, none) for rows in torch.randperm(forget, generator=generator).split(size))
        yield from ((none, rows) for rows in torch.randperm(retain, generator=generator).split(size))
    elif order == "paired":
        of_retain = _again_and_again(retain, generator)
        for rows in torch.randperm(forget, generator=generator).split(size):
            yield rows, torch.tensor([int(next(of_retain)) for _ in rows], dtype=torch.int64)
    else:
        raise ValueError(f"order is '{order}'; known: {', '.join(ORDERS)}")


def _again_and_again(count: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield row after row of a set, in a new order each time that all were there."""
    while True:
        yield from torch.randperm(count, generator=generator)
