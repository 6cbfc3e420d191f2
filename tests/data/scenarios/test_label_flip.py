"""Poisoned samples are taught the label of the paired class."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import LABELS, choose, gone

PAIRS = ((1, 2), (8, 5))


def test_labels_are_swapped_both_ways_within_the_budget() -> None:
    chosen = choose(kind="label_flip", count=7, pairs=PAIRS)
    forgotten = chosen.part >= 0
    assert np.bincount(LABELS[forgotten], minlength=10).tolist() == [0, 7, 7, 0, 0, 7, 0, 0, 7, 0]
    other = {1: 2, 2: 1, 8: 5, 5: 8}
    assert chosen.labels[forgotten].tolist() == [other[y] for y in LABELS[forgotten]]
    assert np.array_equal(chosen.labels[~forgotten], LABELS[~forgotten])


def test_pairs_that_are_not_given_are_drawn_and_hold_every_class_once() -> None:
    chosen = choose(kind="label_flip", count=4)
    forgotten = chosen.part >= 0
    wrong = {(a, b) for a, b in zip(LABELS[forgotten], chosen.labels[forgotten], strict=True)}
    assert {a for a, _ in wrong} == set(range(10))
    assert wrong == {(b, a) for a, b in wrong}
    assert not any(a == b for a, b in wrong)


def test_a_smaller_budget_is_a_part_of_a_larger_one() -> None:
    small, large = (gone(kind="label_flip", count=n, pairs=PAIRS) for n in (5, 20))
    assert (small <= large).all()
    assert not (small <= gone(1, kind="label_flip", count=20, pairs=PAIRS)).all()  # the control


def test_the_training_labels_are_not_written_to() -> None:
    before = LABELS.copy()
    choose(kind="label_flip", count=7, pairs=PAIRS)
    assert np.array_equal(LABELS, before)


def test_more_samples_than_a_class_has_are_refused() -> None:
    with pytest.raises(UserError, match="wants 51 samples of class 1"):
        choose(kind="label_flip", count=51, pairs=[(1, 2)])


def test_its_name_and_words() -> None:
    drawn, named = (
        read_scenario({"kind": "label_flip", "count": 7, **more}) for more in ({}, {"pairs": PAIRS})
    )
    assert (drawn.name, named.name) == ("label-flip-7", "label-flip-7-1x2-8x5")
    assert "(pairs: drawn at random)" in drawn.words() and "(pairs: 1 and 2, 8 and 5)" in named.words()
    assert drawn.POISONS
