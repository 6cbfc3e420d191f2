"""A random fraction: its size, what draws it, and that it never changes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios.registry import TrainingSet
from reunlearn.study.scenario import read_scenario
from tests.data.scenarios.made import HELD_OUT, INDEX, LABELS, choose, gone

GOLDEN = "faa5887cc8d498548a65897096e2bfbc11bd1af1f6cfec90e45ac4daf3183d6e"
RANDOM: dict[str, Any] = {"kind": "random", "fraction": 0.2}


def test_a_random_fraction_has_the_wanted_size() -> None:
    for fraction, count in ((0.2, 100), (0.1, 50), (0.0011, 1), (0.998, 499)):
        assert gone(kind="random", fraction=fraction).sum() == count


def test_the_split_seed_draws_it() -> None:
    assert not np.array_equal(gone(0, **RANDOM), gone(1, **RANDOM))


def test_it_does_not_look_at_the_labels() -> None:
    others = TrainingSet(LABELS[::-1] * 0, None, INDEX, HELD_OUT)
    assert np.array_equal(choose(4, **RANDOM).part, choose(4, others, **RANDOM).part)


def test_the_choice_never_changes() -> None:
    """Every result rests on it: another numpy must give the same samples."""
    chosen = np.flatnonzero(gone(3, **RANDOM)).astype("<i8")
    assert hashlib.sha256(chosen.tobytes()).hexdigest() == GOLDEN


@pytest.mark.parametrize(("fraction", "count"), [(0.0005, 0), (0.9999, 500)])
def test_something_must_go_and_something_must_stay(fraction: float, count: int) -> None:
    with pytest.raises(UserError, match=f"would forget {count} of 500"):
        choose(kind="random", fraction=fraction)


def test_its_name_and_words() -> None:
    scenario = read_scenario(RANDOM)
    assert (scenario.name, scenario.words()) == ("random-0.2", "a random 20 % of the training set")
