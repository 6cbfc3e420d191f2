"""Whole classes that the study names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import LABELS, SAMPLES, choose, gone


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


def test_the_test_set_can_be_limited_to_what_stays() -> None:
    whole, limited = (
        read_scenario({"kind": "class", "classes": [3], **more}) for more in ({}, {"test": "retained"})
    )
    assert (whole.limits_test, limited.limits_test) == (False, True)
    assert (whole.name, limited.name) == ("class-3", "class-3-test-retained")
    assert limited.summary == "class 3, whole; the test set is without them"
    assert np.array_equal(whole.select(SAMPLES, 0).part, limited.select(SAMPLES, 0).part)


@pytest.mark.parametrize("kind", [{"kind": "random", "fraction": 0.1}, {"kind": "first", "count": 3}])
def test_scenarios_that_leave_every_class_have_no_other_test_set(kind: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="does not take 'test'"):
        read_scenario({**kind, "test": "retained"})
