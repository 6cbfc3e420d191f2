"""Which half each model of a pool learns."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.data.halves import half


@pytest.mark.parametrize("size", [40, 41])
@pytest.mark.parametrize("models", [2, 10, 24])
def test_every_sample_is_in_exactly_half_of_an_even_number_of_models(size: int, models: int) -> None:
    member_MN = np.stack([half(size, number) for number in range(models)])
    assert (member_MN.sum(axis=0) == models // 2).all()
    assert set(member_MN.sum(axis=1)) <= {size // 2, size - size // 2}


def test_an_odd_number_of_models_has_no_such_balance() -> None:
    """The control: the balance comes from the pairs."""
    counts = sum(half(40, number).astype(int) for number in range(3))
    assert set(counts) == {1, 2}


def test_a_models_half_never_changes_and_differs_from_those_of_other_pairs() -> None:
    np.testing.assert_array_equal(half(100, 6), half(100, 6))
    np.testing.assert_array_equal(half(100, 6), ~half(100, 7))
    shared = [(half(1000, 0) & half(1000, number)).sum() for number in (2, 4, 6)]
    assert all(200 < count < 300 for count in shared)  # a quarter of the set, as chance has it
