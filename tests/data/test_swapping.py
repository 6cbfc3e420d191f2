"""Who changes places with whom: as many, of the held-out ones, and always the same."""

from __future__ import annotations

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.swapping import exchanged, partners

FORGET, HELD_OUT = np.array([3, 8, 20, 21]), np.arange(30, 50)


def test_partners_are_as_many_held_out_samples() -> None:
    found = partners(FORGET, HELD_OUT)
    assert len(found) == 4
    assert set(found) < set(HELD_OUT)
    assert np.array_equal(found, np.sort(found))
    assert np.array_equal(partners(FORGET, HELD_OUT[:4]), HELD_OUT[:4])


def test_they_follow_from_the_two_sets() -> None:
    again = partners(FORGET[::-1], HELD_OUT[::-1])
    assert np.array_equal(partners(FORGET, HELD_OUT), again)
    assert not np.array_equal(again, partners(FORGET + 1, HELD_OUT))


def test_too_few_are_refused() -> None:
    with pytest.raises(UserError, match="4 samples are forgotten and 3 are held out"):
        partners(FORGET, HELD_OUT[:3])


def test_a_set_after_the_exchange() -> None:
    assert exchanged(np.array([1, 2, 3]), np.array([3]), np.array([0, 9])).tolist() == [0, 1, 2, 9]
