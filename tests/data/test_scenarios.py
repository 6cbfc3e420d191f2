"""What is to be forgotten follows from labels, scenario and split seed, and from nothing else."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from reunlearn.data.scenarios import forget_mask

GOLDEN = "faa5887cc8d498548a65897096e2bfbc11bd1af1f6cfec90e45ac4daf3183d6e"
LABELS = np.arange(500) % 10
RANDOM = {"kind": "random", "fraction": 0.2}


def test_a_random_fraction_has_the_wanted_size() -> None:
    for fraction, count in ((0.2, 100), (0.1, 50), (0.0011, 1), (0.998, 499)):
        assert forget_mask(LABELS, {"kind": "random", "fraction": fraction}, 0).sum() == count


def test_whole_classes_are_forgotten_and_only_they() -> None:
    mask = forget_mask(LABELS, {"kind": "class", "classes": [3, 7]}, 0)
    assert np.array_equal(mask, (LABELS == 3) | (LABELS == 7))


def test_the_split_seed_draws_the_fraction_but_not_the_classes() -> None:
    classes = {"kind": "class", "classes": [3]}
    assert not np.array_equal(forget_mask(LABELS, RANDOM, 0), forget_mask(LABELS, RANDOM, 1))
    assert np.array_equal(forget_mask(LABELS, classes, 0), forget_mask(LABELS, classes, 1))


def test_global_randomness_plays_no_part() -> None:
    np.random.seed(1)
    first = forget_mask(LABELS, RANDOM, 4)
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert np.array_equal(first, forget_mask(LABELS, RANDOM, 4))
    assert np.array_equal(np.random.get_state()[1], state)


def test_a_random_fraction_does_not_look_at_the_labels() -> None:
    assert np.array_equal(forget_mask(LABELS, RANDOM, 4), forget_mask(LABELS[::-1] * 0, RANDOM, 4))


def test_the_choice_never_changes() -> None:
    """Every result rests on it: another numpy must give the same samples."""
    chosen = np.flatnonzero(forget_mask(LABELS, RANDOM, 3)).astype("<i8")
    assert hashlib.sha256(chosen.tobytes()).hexdigest() == GOLDEN


@pytest.mark.parametrize(
    "scenario",
    [
        {"kind": "random", "fraction": 0.0005},
        {"kind": "random", "fraction": 0.9999},
        {"kind": "class", "classes": [11]},
        {"kind": "class", "classes": list(range(10))},
    ],
)
def test_nothing_or_everything_is_refused(scenario: dict) -> None:
    with pytest.raises(ValueError, match="would forget"):
        forget_mask(LABELS, scenario, 0)
