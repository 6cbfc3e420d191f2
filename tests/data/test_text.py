"""Sets of texts: what a batch holds, in which order, and how little padding; against slow and obvious padding."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from reunlearn.data.text import CHUNK, TextSamples

LENGTH = 12


def make(count: int, group_by_length: bool = False, seed: int = 0) -> TextSamples:
    generator = np.random.default_rng(seed)
    x_NL = np.zeros((count, LENGTH), np.uint16)
    for row, length in enumerate(generator.integers(1, LENGTH + 1, count)):
        x_NL[row, :length] = generator.integers(1, 60_000, length)
    return TextSamples(x_NL, np.arange(count) % 5, 100 + np.arange(count), group_by_length)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def slowly(samples: TextSamples, rows: list[int]) -> Tensor:
    """Cut each text at its end, fill up to the longest of these."""
    texts = [[t for t in samples.x_NL[row].tolist() if t] for row in rows]
    longest = max(len(text) for text in texts)
    return torch.tensor([text + [0] * (longest - len(text)) for text in texts])


@given(st.lists(st.integers(0, 29), min_size=1, max_size=9), st.integers(0, 3))
def test_a_batch_is_as_long_as_its_longest_text(rows: list[int], seed: int) -> None:
    samples = make(30, seed=seed)
    batch = samples.take(torch.tensor(rows))
    assert torch.equal(batch.x, slowly(samples, rows))
    assert batch.x.dtype == torch.int64
    assert batch.y.tolist() == [row % 5 for row in rows]
    assert batch.index.tolist() == [100 + row for row in rows]


def test_the_set_takes_four_bytes_a_token_and_keeps_large_numbers() -> None:
    samples = TextSamples(np.array([[50_260, 65_535, 0]], np.uint16), np.array([0]), np.array([0]))
    assert samples.x_NL.dtype == torch.int32
    assert samples.take(slice(None)).x.tolist() == [[50_260, 65_535]]


def test_the_callers_array_is_left_alone() -> None:
    x_NL = np.arange(1, 7, dtype=np.uint16).reshape(2, 3)
    x_NL.flags.writeable = False
    TextSamples(x_NL, np.array([0, 1]), np.array([0, 1])).x_NL.zero_()
    assert x_NL.tolist() == [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize("group", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("count", "size"), [(1, 4), (9, 4), (8, 4), (CHUNK * 4 + 1, 4), (523, 7)])
def test_each_text_comes_once(group: bool, shuffle: bool, count: int, size: int) -> None:
    samples = make(count, group)
    batches = list(samples.batches(size, seeded(), shuffle=shuffle))
    found = torch.cat([batch.index for batch in batches])
    assert found.sort().values.tolist() == list(range(100, 100 + count))
    assert (found.tolist() == list(range(100, 100 + count))) == (not shuffle or count == 1)
    sizes = sorted(len(batch) for batch in batches)
    assert sizes == sorted([size] * (count // size) + [count % size] * bool(count % size))
    for batch in batches:
        assert torch.equal(batch.x, slowly(samples, (batch.index - 100).tolist()))


@pytest.mark.parametrize("group", [False, True])
def test_the_order_follows_from_the_generator(group: bool) -> None:
    samples = make(300, group)

    def order(seed: int) -> list[int]:
        return torch.cat([b.index for b in samples.batches(8, seeded(seed), shuffle=True)]).tolist()

    assert order(1) == order(1)
    assert order(1) != order(2)
    generator = seeded(1)
    twice = [torch.cat([b.index for b in samples.batches(8, generator, shuffle=True)]) for _ in range(2)]
    assert not torch.equal(*twice)


def test_grouped_batches_need_less_padding_and_come_in_no_order_of_length() -> None:
    def share_of_padding(group: bool) -> float:
        batches = list(make(2000, group).batches(16, seeded(), shuffle=True))
        return sum(int((b.x == 0).sum()) for b in batches) / sum(b.x.numel() for b in batches)

    assert share_of_padding(False) > 0.4
    assert share_of_padding(True) < 0.06
    lengths = [b.x.shape[1] for b in make(2000, True).batches(16, seeded(), shuffle=True)]
    falls, rises = (sum(sign * (b - a) > 0 for a, b in itertools.pairwise(lengths)) for sign in (-1, 1))
    assert min(falls, rises) > 40


def test_passes_that_are_not_shuffled_keep_the_order() -> None:
    indices = torch.cat([batch.index for batch in make(50, group_by_length=True).batches(8)])
    assert indices.tolist() == list(range(100, 150))


def test_a_last_batch_that_is_smaller_can_be_left_out() -> None:
    sizes = [len(b) for b in make(33, True).batches(8, seeded(), shuffle=True, drop_last=True)]
    assert sizes == [8] * 4


def test_texts_know_no_augmentation() -> None:
    samples = make(20)
    plain, augmented = samples.take(slice(0, 20)), samples.take(slice(0, 20), seeded())
    assert torch.equal(plain.x, augmented.x)


def test_no_rows_give_an_empty_batch() -> None:
    batch = make(5).take(torch.empty(0, dtype=torch.int64))
    assert len(batch) == 0
    assert batch.x.shape == (0, 1)
