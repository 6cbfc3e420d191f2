"""What counts as a set of samples, and what is said of what does not."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch.utils.data import (
    DataLoader,
    Dataset,
    IterableDataset,
    Subset,
    SubsetRandomSampler,
    TensorDataset,
    WeightedRandomSampler,
)

from reunlearn.base.errors import UserError
from reunlearn.library.sets import read_set

X, Y = torch.randn(7, 1, 4, 4), torch.arange(7) % 3
DATA = TensorDataset(X, Y)


class Noisy(Dataset):
    """A data set whose transform draws."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        return torch.rand(2), number


class Endless(IterableDataset):
    """No map-style set."""

    def __iter__(self) -> Iterator[int]:
        yield 0


@pytest.mark.parametrize(
    "given",
    [
        DATA,
        (X, Y),
        (X.numpy(), Y.numpy()),
        (X.numpy(), Y.tolist()),
        [(x, int(y)) for x, y in DATA],
        Subset(DATA, range(7)),
        DataLoader(DATA, batch_size=2, shuffle=True, drop_last=True),
        DataLoader(DATA, batch_size=None),
        DataLoader([(x.numpy(), np.int64(y)) for x, y in DATA], batch_size=3),
        DataLoader(
            DATA, batch_size=2, collate_fn=lambda part: tuple(map(torch.stack, zip(*part, strict=True)))
        ),
    ],
)
def test_every_form_gives_the_same_samples_in_the_order_of_the_data_set(given: object) -> None:
    x, y = read_set("forget", given)  # type: ignore[arg-type]
    assert torch.equal(x, X)
    assert torch.equal(y, Y) and y.dtype == torch.int64


def test_more_samples_than_one_reading_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reunlearn.library.sets.READ_BATCH", 3)
    assert torch.equal(read_set("retain", DATA)[0], X)


def test_random_transforms_draw_from_a_fixed_seed_and_leave_the_callers_state() -> None:
    before = torch.get_rng_state()
    first = read_set("forget", Noisy())[0]
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    assert torch.equal(read_set("forget", Noisy())[0], first)


def test_token_ids_are_a_set() -> None:
    assert read_set("forget", (torch.ones(2, 5, dtype=torch.int64), Y[:2]))[0].dtype == torch.int64


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((X, Y[:5]), r"x is \[7, 1, 4, 4\] and y is \[5\]; one class number per sample"),
        ((X, torch.eye(7)), r"y \[7\]"),
        ((X, Y.float()), "y is float32; class numbers are whole numbers"),
        ((X, Y - 1), "y holds -1; class numbers begin with 0"),
        ((X[:0], Y[:0]), "there is no sample in it"),
        (TensorDataset(X[:0], Y[:0]), "there is no sample in it"),
        (((255 * X).byte(), Y), "x is uint8 .* floats"),
        ((X, "labels"), "y"),
        ((X, object()), r"should be tensors or arrays of numbers"),
        (TensorDataset(X), "cannot be put together"),
        ([{"x": x} for x in X], "cannot be put together"),
        ([(X[0], 0), (X[0, :, :2], 1)], "cannot be put together"),
        ([(object(), 0)], "cannot be put together"),
        (Endless(), "a Endless is no set of samples"),
        (3, "a int is no set of samples"),
        (DataLoader(DATA, sampler=SubsetRandomSampler([1, 2])), "SubsetRandomSampler; give the samples"),
        (DataLoader(DATA, sampler=WeightedRandomSampler([1.0] * 7, 3)), "WeightedRandomSampler"),
        (DataLoader(DATA, batch_sampler=[[0, 1]]), "chooses samples"),
    ],
)
def test_what_is_no_set_is_said_in_one_line(given: object, words: str) -> None:
    with pytest.raises(UserError, match=f"^forget: .*{words}") as caught:
        read_set("forget", given)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
