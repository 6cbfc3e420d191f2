"""The first samples of each class in the official order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import LABELS, choose, gone


def test_the_first_samples_of_a_class_come_in_the_official_order() -> None:
    assert np.flatnonzero(gone(kind="first", count=3, classes=[4])).tolist() == [4, 14, 24]
    assert np.flatnonzero(gone(kind="first", count=2)).tolist() == list(range(20))


def test_in_steps_it_is_a_range_of_each_class_per_step() -> None:
    part = choose(kind="first", count=8, steps=4).part
    for label in range(10):
        assert part[label == LABELS][:8].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"count": 51}, "wants 51 samples of class 0; the training set has 50"),
        ({"count": 50}, "would forget 500 of 500"),
        ({"count": 2, "steps": 3}, "2 samples per class are too few for 3 steps"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(kind="first", **fields)


def test_its_name_and_words() -> None:
    every, some = (read_scenario({"kind": "first", "count": 2, **more}) for more in ({}, {"classes": [4, 1]}))
    assert (every.name, every.words()) == (
        "first-2",
        "the first 2 samples of each class in the official order",
    )
    assert (some.name, some.words()) == (
        "first-2-4-1",
        "the first 2 samples of classes 4, 1 in the official order",
    )
    assert some.whole_classes == ()
