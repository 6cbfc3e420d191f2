"""Pairs of batches: which samples, in which order they are drawn, and that none is drawn that no step uses."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.batches import Batch, Samples
from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.unlearning.task import AccessError, Task

SIZE, EPOCHS = 8, 3
LONGER, SHORTER, EQUAL = (9, 25), (25, 9), (10, 10)  # forget and retain; the retain set is …
PairKeys = list[tuple[list[int], float, list[int], float]]


def make_sets(forget: int, retain: int) -> dict[str, Samples]:
    """Return sets of noise, augmented by crops: each batch draws."""
    x = np.random.default_rng(0).integers(0, 256, (forget + retain, 1, 6, 6)).astype(np.uint8)

    def part(rows: np.ndarray) -> Samples:
        return ImageSamples(
            x[rows], rows % 3, rows, (0.5,), (0.25,), augmentation=Augmentation(("crop", "flip"))
        )

    index = np.arange(forget + retain)
    return {"forget": part(index[:forget]), "retain": part(index[forget:])}


def make_task(sizes: tuple[int, int], **more: Any) -> Task:
    return Task(make_sets(*sizes), {"forget", "retain"}, Classification(3), 3, 0, **more)


def key(forget: Batch, retain: Batch) -> tuple[list[int], float, list[int], float]:
    """Return what tells two pairs apart: their samples and, of each, its crops."""
    return forget.index.tolist(), float(forget.x.sum()), retain.index.tolist(), float(retain.x.sum())


def passes(samples: Samples, generator: torch.Generator) -> Iterator[Batch]:
    """Yield pass after pass, without end."""
    while True:
        yield from samples.batches(SIZE, generator, shuffle=True, augmented=True)


def by_hand(sizes: tuple[int, int], until: str) -> tuple[PairKeys, torch.Generator, dict[str, int]]:
    """Return the pairs of some epochs drawn one by one, the generator after them, and the samples in them."""
    sets, generator = make_sets(*sizes), torch.Generator().manual_seed(0)
    steps = {name: -(-len(samples) // SIZE) for name, samples in sets.items()}
    count = min(steps.values()) if until == "shorter" else steps[until]
    order = ("retain", "forget") if until == "retain" else ("forget", "retain")
    pairs, used = [], dict.fromkeys(sets, 0)
    for _ in range(EPOCHS):
        streams = {name: passes(sets[name], generator) for name in order}
        for _ in range(count):
            pair = {name: next(streams[name]) for name in order}
            pairs.append(key(pair["forget"], pair["retain"]))
            used = {name: used[name] + len(pair[name]) for name in used}
    return pairs, generator, used


@pytest.mark.parametrize("until", ["shorter", "forget", "retain"])
@pytest.mark.parametrize("sizes", [LONGER, SHORTER, EQUAL])
def test_nothing_is_drawn_that_no_step_uses(sizes: tuple[int, int], until: str) -> None:
    task = make_task(sizes)
    pairs = [key(*pair) for _ in range(EPOCHS) for pair in task.pairs(SIZE, until=until)]
    expected, generator, used = by_hand(sizes, until)
    assert pairs == expected
    assert task.drawn() == used
    assert torch.equal(task.generator.get_state(), generator.get_state())


def test_the_count_of_the_longer_forget_set() -> None:
    """25 samples against 9: two steps of 8, of 8 and of 1, in each epoch."""
    task = make_task(SHORTER)
    for _ in range(EPOCHS):
        assert len(list(task.pairs(SIZE))) == 2
    assert task.drawn() == {"forget": 16 * EPOCHS, "retain": 9 * EPOCHS}


@pytest.mark.parametrize("sizes", [LONGER, EQUAL])
def test_where_forget_ends_first_pairs_are_those_of_two_passes_side_by_side(sizes: tuple[int, int]) -> None:
    task, sets, generator = make_task(sizes), make_sets(*sizes), torch.Generator().manual_seed(0)
    for _ in range(EPOCHS):
        both = (sets[n].batches(SIZE, generator, shuffle=True, augmented=True) for n in ("forget", "retain"))
        assert [key(*pair) for pair in zip(*both, strict=False)] == [key(*pair) for pair in task.pairs(SIZE)]


def test_a_step_that_is_not_taken_draws_nothing() -> None:
    """A method may stop within an epoch."""
    task = make_task(LONGER)
    list(islice(task.pairs(SIZE, until="retain"), 3))
    assert task.drawn() == {"forget": 8 + 1 + 8, "retain": 24}


def test_an_unknown_end_is_refused() -> None:
    with pytest.raises(ValueError, match="until is 'longer'"):
        next(make_task(EQUAL).pairs(SIZE, until="longer"))


def test_who_asks_for_a_recipe_that_the_task_does_not_have_is_told() -> None:
    recipe = Recipe(epochs=3, batch_size=4, learning_rate=0.1)
    assert make_task(EQUAL, recipe=recipe).recipe is recipe
    with pytest.raises(AccessError, match="how the original was trained"):
        _ = make_task(EQUAL).recipe
