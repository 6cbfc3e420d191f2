"""As many samples of each class, or the same share of each, drawn at random."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios.registry import TrainingSet
from reunlearn.study.catalogue import catalogue
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import INDEX, LABELS, choose, gone

KIND = "random_per_class"
UNEVEN = TrainingSet(np.repeat([0, 1, 2], [300, 150, 50]), None, INDEX, INDEX[:0])


def test_each_class_gives_as_many_samples() -> None:
    chosen = choose(kind=KIND, count=7)
    assert np.bincount(LABELS[chosen.part >= 0], minlength=10).tolist() == [7] * 10
    assert chosen.forgotten == [[]]
    named = gone(kind=KIND, count=7, classes=[2, 5])
    assert np.bincount(LABELS[named], minlength=10).tolist() == [0, 0, 7, 0, 0, 7, 0, 0, 0, 0]


def test_each_class_gives_the_same_share_of_its_samples() -> None:
    share = gone(samples=UNEVEN, kind=KIND, fraction=0.1)
    assert np.bincount(UNEVEN.y[share]).tolist() == [30, 15, 5]
    plain = gone(samples=UNEVEN, kind="random", fraction=0.1)  # the control: without regard to classes
    assert np.bincount(UNEVEN.y[plain]).tolist() != [30, 15, 5]


def test_the_split_seed_draws_them_and_they_are_not_the_first() -> None:
    one, same, other = (gone(seed, kind=KIND, count=20) for seed in (0, 0, 1))
    assert np.array_equal(one, same) and not np.array_equal(one, other)
    assert not np.array_equal(one, gone(kind="first", count=20))


def test_a_smaller_number_is_a_part_of_a_larger_one() -> None:
    small, large = (gone(kind=KIND, count=n) for n in (5, 20))
    assert (small <= large).all()
    assert not (small <= gone(1, kind=KIND, count=20)).all()  # the control


def test_each_step_takes_an_equal_share_of_each_class() -> None:
    part = choose(kind=KIND, count=12, steps=4).part
    for step in range(4):
        assert np.bincount(LABELS[part == step], minlength=10).tolist() == [3] * 10


@pytest.mark.parametrize(
    ("fields", "said"),
    [({}, "takes 'count' or 'fraction', one of them"), ({"count": 3, "fraction": 0.1}, "one of them")],
)
def test_a_number_or_a_share_is_needed(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        read_scenario({"kind": KIND, **fields})


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"count": 112}, "112 samples of class 8 are to be forgotten; there are 111"),
        ({"count": 3, "classes": [10]}, "no class 10"),
        ({"count": 3, "steps": 4}, "3 samples per class are too few for 4 steps"),
        ({"fraction": 0.004}, "fraction 0.004 of 115 samples of class 0 is too little for 1 step"),
        ({"fraction": 0.02, "steps": 3}, "is too little for 3 steps"),
    ],
)
def test_the_plan_refuses_what_a_class_cannot_give(fields: dict[str, Any], said: str) -> None:
    card = catalogue().datasets["digits"]
    with pytest.raises(UserError, match=said):
        read_scenario({"kind": KIND, **fields}).check(card, card.train, "here")
    read_scenario({"kind": KIND, "count": 111}).check(card, card.train, "here")  # the control


def test_its_name_words_and_parts() -> None:
    count, share = (
        read_scenario({"kind": KIND, **f}) for f in ({"count": 400, "steps": 4}, {"fraction": 0.1})
    )
    assert (count.name, share.name) == ("random-per-class-400-4steps", "random-per-class-0.1")
    assert count.words() == "400 samples of each class, drawn at random"
    assert share.words() == "a random 10 % of each class"
    assert count.parts(catalogue().datasets["digits"], 1198) == (1000,) * 4
    assert share.parts(catalogue().datasets["digits"], 1198) == ()
