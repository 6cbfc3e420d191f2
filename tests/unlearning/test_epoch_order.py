from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reunlearn.unlearning.epoch_order import epoch_rows

LENGTHS = st.integers(0, 20)


@given(LENGTHS, LENGTHS, st.integers(1, 9), st.sampled_from(("shuffled", "forget_first")), st.integers(0, 3))
def test_each_sample_comes_once(forget: int, retain: int, size: int, order: str, seed: int) -> None:
    pairs = list(epoch_rows(forget, retain, size, order, torch.Generator().manual_seed(seed)))
    assert sorted(int(r) for rows, _ in pairs for r in rows) == list(range(forget))
    assert sorted(int(r) for _, rows in pairs for r in rows) == list(range(retain))
    assert all(len(f) + len(r) <= size for f, r in pairs)
    if order == "shuffled":
        assert all(len(f) + len(r) == size for f, r in pairs[:-1])
    else:
        kinds = [len(f) > 0 for f, r in pairs if len(f) + len(r)]
        assert kinds == sorted(kinds, reverse=True), "a forget batch comes after a retain batch"
        assert all(not len(f) or not len(r) for f, r in pairs)


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(ValueError, match="order is 'sideways'; known: shuffled, forget_first, paired"):
        next(epoch_rows(1, 1, 1, "sideways", torch.Generator()))


@given(st.integers(0, 20), st.integers(1, 20), st.integers(1, 9), st.integers(0, 3))
def test_pairs_hold_as_many_of_both_until_forget_ends(forget: int, retain: int, size: int, seed: int) -> None:
    pairs = list(epoch_rows(forget, retain, size, "paired", torch.Generator().manual_seed(seed)))
    assert sorted(int(r) for rows, _ in pairs for r in rows) == list(range(forget))
    assert all(len(f) == len(r) <= size for f, r in pairs)
    again = [int(r) for _, rows in pairs for r in rows]
    for begin in range(0, len(again) - retain + 1, retain):
        assert sorted(again[begin : begin + retain]) == list(range(retain)), "each pass has every sample once"
