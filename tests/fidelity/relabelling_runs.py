"""Runs of the methods that teach wrong labels, in the words of their references."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from .harness import Run, in_epochs
from .mutations import mutated
from .recording import Drawn

SHARED = "reunlearn.unlearning.relabelling"


def pairs_of(drawn: Sequence[Drawn]) -> list[tuple[Drawn, Drawn]]:
    """Return the forget part and the retain part of each step."""
    assert [batch.set for batch in drawn] == ["forget", "retain"] * (len(drawn) // 2)
    return list(zip(drawn[::2], drawn[1::2], strict=True))


def labels_for(ours: Run, batches: Sequence[Drawn], anew_after: int | None) -> list[dict[int, int]]:
    """Return {index: label} of each forget batch.

    Labels are drawn when a sample is first met and, where `anew_after` is given, anew after so many batches.
    """
    draws, known, by_batch = iter(ours.labels), {}, []
    for number, batch in enumerate(batches):
        if anew_after and number % anew_after == 0:
            known = {}
        if set(batch.index.tolist()) - set(known):
            drawn = next(draws, None)
            assert drawn is not None, "no labels were drawn for a new sample"
            _, index, labels = drawn
            assert torch.equal(index, batch.index)
            known |= dict(zip(index.tolist(), labels.tolist(), strict=True))
        by_batch.append({i: known[i] for i in batch.index.tolist()})
    assert next(draws, None) is None
    return by_batch


def joined_steps(ours: Run, drawn: Sequence[Drawn]) -> list[Any]:
    """Return the steps of the paper's reading: one set, labels drawn once."""
    steps = []
    pairs = pairs_of(drawn)
    for (forget, retain), labels in zip(pairs, labels_for(ours, [f for f, _ in pairs], None), strict=True):
        wrong = [labels[i] for i in forget.index.tolist()] + [-1] * len(retain.y)
        is_forget = [True] * len(forget.y) + [False] * len(retain.y)
        x, y = torch.cat([forget.x, retain.x]), torch.cat([forget.y, retain.y])
        steps.append(("joined", x, y, is_forget, torch.tensor(wrong)))
    return steps


def parted_steps(ours: Run, drawn: Sequence[Drawn], forget_steps: int) -> list[Any]:
    """Return the steps of the code's reading: forget, then retain; labels drawn anew in each epoch."""
    batches = [batch for batch in drawn if len(batch.y)]
    labels = iter(labels_for(ours, [b for b in batches if b.set == "forget"], forget_steps))
    steps: list[Any] = []
    for batch in batches:
        if batch.set == "forget":
            label_of = next(labels)
            wrong = torch.tensor([label_of[i] for i in batch.index.tolist()])
            steps.append(("forget", batch.x, batch.y, wrong))
        else:
            steps.append(("retain", batch.x, batch.y))
    return steps


def epochs_of(ours: Run, reading: str, size: int, skipped: int = 0) -> tuple[list[list[Any]], bool]:
    """Return the epochs, and whether only wrong labels may be drawn.

    Args:
        ours: the run.
        reading: paper or code.
        size: of a batch; there are 6 forget and 11 retain samples.
        skipped: how many batches were drawn before the first epoch.
    """
    drawn = ours.drawn[skipped:]
    if reading == "paper":
        return in_epochs(joined_steps(ours, drawn), math.ceil(17 / size)), True
    forget, retain = math.ceil(6 / size), math.ceil(11 / size)
    return in_epochs(parted_steps(ours, drawn, forget), forget + retain), False


def assert_redraw_is_noticed(comparison: Any, redrawn: bool) -> None:
    """Refuse a comparison that passes while labels are drawn anew (or once) against the reading."""
    fault = (SHARED, 'chosen(self, "redraw") == "epoch"', str(redrawn))
    with mutated(*fault), pytest.raises(AssertionError):
        comparison("two_layer")
