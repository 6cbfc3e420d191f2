"""What is to be forgotten follows from labels, scenario and split seed, and from nothing else."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios import STAYS, Selection, TrainingSet, select
from reunlearn.study.schema import Scenario

GOLDEN = "faa5887cc8d498548a65897096e2bfbc11bd1af1f6cfec90e45ac4daf3183d6e"
LABELS = np.arange(500) % 10
FINE = np.arange(500) % 20  # two sub-classes per class: k and k + 10
SAMPLES = TrainingSet(LABELS, FINE, 3 * np.arange(500))


def spec(**fields: Any) -> dict[str, Any]:
    """Return a scenario as the plan writes it."""
    chosen = fields.pop("chosen", None)
    content = Scenario.model_validate(fields).model_dump(mode="json", exclude_none=True)
    return content | ({"chosen": chosen} if chosen is not None else {})


def choose(seed: int = 0, samples: TrainingSet = SAMPLES, **fields: Any) -> Selection:
    return select(samples, spec(**fields), seed)


def mask(seed: int = 0, **fields: Any) -> np.ndarray:
    return choose(seed, **fields).part != STAYS


RANDOM: dict[str, Any] = {"kind": "random", "fraction": 0.2}


def test_a_random_fraction_has_the_wanted_size() -> None:
    for fraction, count in ((0.2, 100), (0.1, 50), (0.0011, 1), (0.998, 499)):
        assert mask(kind="random", fraction=fraction).sum() == count


def test_whole_classes_are_forgotten_and_only_they() -> None:
    chosen = choose(kind="class", classes=[3, 7])
    assert np.array_equal(chosen.part != STAYS, (LABELS == 3) | (LABELS == 7))
    assert chosen.forgotten == [[3, 7]]


def test_a_subclass_is_a_part_of_its_class() -> None:
    chosen = choose(kind="subclass", subclasses=[13])
    assert np.array_equal(chosen.part != STAYS, FINE == 13)
    assert set(LABELS[chosen.part != STAYS]) == {3}
    assert (LABELS[chosen.part == STAYS] == 3).sum() == 25  # the other half of the class stays
    assert chosen.forgotten == [[13]]


def test_the_first_samples_of_a_class_come_in_the_official_order() -> None:
    assert np.flatnonzero(mask(kind="first", count=3, classes=[4])).tolist() == [4, 14, 24]
    assert np.flatnonzero(mask(kind="first", count=2)).tolist() == list(range(20))


def test_identities_are_whole_classes_drawn_by_the_split_seed() -> None:
    chosen = choose(kind="identities", count=3)
    (drawn,) = chosen.forgotten
    assert len(set(drawn)) == 3
    assert np.array_equal(chosen.part != STAYS, np.isin(LABELS, drawn))
    assert choose(1, kind="identities", count=3).forgotten != chosen.forgotten


def test_listed_samples_are_named_by_their_official_numbers() -> None:
    chosen = mask(kind="indices", file="mine.txt", chosen=[9, 0, 30])
    assert np.flatnonzero(chosen).tolist() == [0, 3, 10]


@pytest.mark.parametrize("number", [1, 1500, -3])
def test_listed_samples_outside_of_the_training_set_are_refused(number: int) -> None:
    with pytest.raises(UserError, match=f"mine.txt: sample {number} is not in the training set"):
        choose(kind="indices", file="mine.txt", chosen=[0, number])


class TestLabelFlip:
    """Poisoned samples are taught the label of the paired class."""

    PAIRS = ((1, 2), (8, 5))

    def test_labels_are_swapped_both_ways_within_the_budget(self) -> None:
        chosen = choose(kind="label_flip", count=7, pairs=self.PAIRS)
        gone = chosen.part != STAYS
        assert np.bincount(LABELS[gone], minlength=10).tolist() == [0, 7, 7, 0, 0, 7, 0, 0, 7, 0]
        other = {1: 2, 2: 1, 8: 5, 5: 8}
        assert chosen.labels[gone].tolist() == [other[y] for y in LABELS[gone]]
        assert np.array_equal(chosen.labels[~gone], LABELS[~gone])

    def test_pairs_that_are_not_given_are_drawn_and_hold_every_class_once(self) -> None:
        chosen = choose(kind="label_flip", count=4)
        gone = chosen.part != STAYS
        wrong = {(a, b) for a, b in zip(LABELS[gone], chosen.labels[gone], strict=True)}
        assert {a for a, _ in wrong} == set(range(10))
        assert wrong == {(b, a) for a, b in wrong}
        assert not any(a == b for a, b in wrong)

    def test_a_smaller_budget_is_a_part_of_a_larger_one(self) -> None:
        small, large = (mask(kind="label_flip", count=n, pairs=self.PAIRS) for n in (5, 20))
        assert (small <= large).all()
        assert not (small <= mask(1, kind="label_flip", count=20, pairs=self.PAIRS)).all()  # the control

    def test_the_training_labels_are_not_written_to(self) -> None:
        before = LABELS.copy()
        choose(kind="label_flip", count=7, pairs=self.PAIRS)
        assert np.array_equal(LABELS, before)


STEPPED: tuple[dict[str, Any], ...] = (
    {"kind": "random", "fraction": 0.2, "steps": 4},
    {"kind": "class", "classes": [1, 2, 3, 4], "steps": 4},
    {"kind": "subclass", "subclasses": [1, 2, 13, 4], "steps": 4},
    {"kind": "first", "count": 8, "steps": 4},
    {"kind": "identities", "count": 4, "steps": 4},
    {"kind": "label_flip", "count": 8, "steps": 4},
    {"kind": "indices", "file": "f", "chosen": list(range(0, 60, 3)), "steps": 4},
)


@pytest.mark.parametrize("fields", STEPPED, ids=lambda f: f["kind"])
def test_steps_deal_the_same_forget_set_in_equal_parts(fields: dict[str, Any]) -> None:
    whole = choose(**{**fields, "steps": 1})
    parts = choose(**fields)
    assert np.array_equal(whole.part != STAYS, parts.part != STAYS)
    counts = np.bincount(parts.part[parts.part != STAYS])
    assert len(counts) == 4
    assert len(set(counts.tolist())) == 1
    assert np.array_equal(whole.labels, parts.labels)
    assert [c for group in parts.forgotten for c in group] == whole.forgotten[0]


def test_first_in_steps_is_a_range_of_each_class_per_step() -> None:
    part = choose(kind="first", count=8, steps=4).part
    for label in range(10):
        assert part[label == LABELS][:8].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]


def test_the_split_seed_draws_the_fraction_but_not_the_classes() -> None:
    assert not np.array_equal(mask(0, **RANDOM), mask(1, **RANDOM))
    assert np.array_equal(mask(0, kind="class", classes=[3]), mask(1, kind="class", classes=[3]))


@pytest.mark.parametrize("fields", [RANDOM, *STEPPED], ids=lambda f: f"{f['kind']}-{f.get('steps', 1)}")
def test_global_randomness_plays_no_part(fields: dict[str, Any]) -> None:
    np.random.seed(1)
    first = choose(4, **fields)
    np.random.seed(2)
    state = np.random.get_state()[1].copy()
    assert np.array_equal(first.part, choose(4, **fields).part)
    assert np.array_equal(np.random.get_state()[1], state)


def test_a_random_fraction_does_not_look_at_the_labels() -> None:
    others = TrainingSet(LABELS[::-1] * 0, None, SAMPLES.index)
    assert np.array_equal(choose(4, **RANDOM).part, choose(4, others, **RANDOM).part)


def test_the_choice_never_changes() -> None:
    """Every result rests on it: another numpy must give the same samples."""
    chosen = np.flatnonzero(mask(3, **RANDOM)).astype("<i8")
    assert hashlib.sha256(chosen.tobytes()).hexdigest() == GOLDEN


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"kind": "random", "fraction": 0.0005}, "would forget 0 of 500"),
        ({"kind": "random", "fraction": 0.9999}, "would forget 500 of 500"),
        ({"kind": "class", "classes": [11]}, "no training sample has class 11"),
        ({"kind": "class", "classes": list(range(10))}, "would forget 500 of 500"),
        ({"kind": "subclass", "subclasses": [20]}, "no training sample has class 20"),
        ({"kind": "first", "count": 51}, "wants 51 samples of class 0; the training set has 50"),
        ({"kind": "first", "count": 50}, "would forget 500 of 500"),
        ({"kind": "label_flip", "count": 51, "pairs": [(1, 2)]}, "wants 51 samples of class 1"),
        ({"kind": "identities", "count": 10}, "would forget 10 of 10 identities"),
        ({"kind": "class", "classes": [1, 2], "steps": 3}, "2 classes are too few for 3 steps"),
        ({"kind": "first", "count": 2, "steps": 3}, "2 samples per class are too few for 3 steps"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        choose(**fields)


def test_sub_classes_need_a_dataset_that_has_them() -> None:
    with pytest.raises(UserError, match="needs a dataset with sub-classes"):
        choose(0, TrainingSet(LABELS, None, SAMPLES.index), kind="subclass", subclasses=[1])
