"""The fixed order from which training and validation sets are cut."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from reunlearn.data.partition import partition, parts_of
from reunlearn.study.specs import DatasetSpec

GOLDEN = "a3a410b585014e8f7780f799ba8d4fc016c2cca2ad7b3dff3be24a422c438e77"
LABELS = np.random.default_rng(0).integers(0, 10, 1000)


@pytest.mark.parametrize(("train", "validation"), [(100, 50), (None, 100), (1000, 0), (1, 999), (300, 7)])
def test_sets_are_disjoint_sorted_and_of_the_wanted_size(train: int | None, validation: int) -> None:
    chosen, held_out = partition(LABELS, train, validation)
    assert len(chosen) == (1000 - validation if train is None else train)
    assert len(held_out) == validation
    assert not set(chosen) & set(held_out)
    for part in (chosen, held_out):
        assert (np.diff(part) > 0).all()
        assert part.size == 0 or (part.min() >= 0 and part.max() < 1000)


@pytest.mark.parametrize("size", [10, 50, 100, 333, 900])
def test_every_prefix_keeps_the_class_proportions(size: int) -> None:
    share = np.bincount(LABELS, minlength=10) / 1000
    chosen, _ = partition(LABELS, size, 0)
    assert np.abs(np.bincount(LABELS[chosen], minlength=10) - size * share).max() <= 1
    first = np.bincount(LABELS[:size], minlength=10)  # the control: the file's own order is not balanced
    assert size < 50 or np.abs(first - size * share).max() > 1


def test_a_larger_set_holds_the_smaller() -> None:
    small, large = (partition(LABELS, size, 50)[0] for size in (100, 400))
    assert set(small) < set(large)


def test_the_held_out_images_do_not_depend_on_the_training_size() -> None:
    assert np.array_equal(partition(LABELS, 100, 50)[1], partition(LABELS, 400, 50)[1])


def test_the_choice_never_changes() -> None:
    """Every result rests on it: another numpy must give the same images."""
    labels = np.arange(1000) % 7
    parts = np.concatenate(partition(labels, 300, 100)).astype("<i8")
    assert hashlib.sha256(parts.tobytes()).hexdigest() == GOLDEN


@pytest.mark.parametrize(("train", "validation"), [(951, 50), (None, 1000), (0, 10), (10, -1), (None, 1001)])
def test_impossible_sizes_are_refused(train: int | None, validation: int) -> None:
    with pytest.raises(ValueError, match="of 1000"):
        partition(LABELS, train, validation)


def test_a_part_of_the_test_set_is_tested_on() -> None:
    whole, few = (
        parts_of(DatasetSpec(name="digits", modality="images", test=test), LABELS, LABELS)
        for test in (None, 200)
    )
    assert np.array_equal(whole.test, np.arange(1000)) and len(few.test) == 200
    both = DatasetSpec(name="digits", modality="images", test=200, validation=100, validation_from="test")
    parts = parts_of(both, LABELS, LABELS)
    assert (len(parts.test), len(parts.validation)) == (200, 100)
    assert not set(parts.test) & set(parts.validation)
