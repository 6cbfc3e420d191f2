"""Whole classes that the study names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import LABELS, choose, gone


def test_whole_classes_are_forgotten_and_only_they() -> None:
    chosen = choose(kind="class", classes=[3, 7])
    assert np.array_equal(chosen.part >= 0, (LABELS == 3) | (LABELS == 7))
    assert chosen.forgotten == [[3, 7]]


def test_the_split_seed_draws_nothing() -> None:
    assert np.array_equal(gone(0, kind="class", classes=[3]), gone(1, kind="class", classes=[3]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"classes": [11]}, "no training sample has class 11"),
        ({"classes": list(range(10))}, "would forget 500 of 500"),
        ({"classes": [1, 2], "steps": 3}, "2 classes are too few for 3 steps"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(kind="class", **fields)


def test_its_name_and_words() -> None:
    one, two = (read_scenario({"kind": "class", "classes": c}) for c in ([3], [3, 5]))
    assert (one.name, one.words()) == ("class-3", "class 3, whole")
    assert (two.name, two.words()) == ("class-3-5", "classes 3, 5, whole")
    assert two.whole_classes == (3, 5)
