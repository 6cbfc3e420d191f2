"""Batches: what is drawn and in which order, from the generator alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from tests.data.pictures import seeded

KINDS = ("crop", "flip", "rotation", "randaugment")


def make(count: int, names: tuple[str, ...] = (), size: int = 8) -> ImageSamples:
    x_NCHW = np.random.default_rng(0).integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    y_N, index = np.arange(count) % 10, 100 + np.arange(count)
    return ImageSamples(
        x_NCHW, y_N, index, (0.5, 0.4, 0.3), (0.2, 0.25, 0.3), augmentation=Augmentation(names)
    )


@pytest.mark.parametrize(("count", "sizes"), [(10, [4, 4, 2]), (9, [4, 4, 1]), (8, [4, 4]), (3, [3])])
def test_the_last_batch_may_be_smaller_even_one(count: int, sizes: list[int]) -> None:
    samples = make(count, KINDS)
    batches = list(samples.batches(4, seeded(), shuffle=True, augmented=True))
    assert [len(b) for b in batches] == sizes
    assert [tuple(b.x.shape) for b in batches] == [(n, 3, 8, 8) for n in sizes]
    kept = list(samples.batches(4, seeded(), shuffle=True, augmented=True, drop_last=True))
    assert [len(b) for b in kept] == [n for n in sizes if n == 4]


def test_a_pass_shows_each_sample_once_with_its_own_label_and_image() -> None:
    samples = make(50)
    plain = samples.take(slice(0, 50))
    batches = list(samples.batches(8, seeded(), shuffle=True))
    order = torch.cat([b.index for b in batches]) - 100
    assert sorted(order.tolist()) == list(range(50))
    assert order.tolist() != list(range(50))
    assert torch.equal(torch.cat([b.x for b in batches]), plain.x[order])
    assert torch.equal(torch.cat([b.y for b in batches]), plain.y[order])


@pytest.mark.parametrize("name", KINDS)
def test_batches_follow_from_the_generator_alone(name: str) -> None:
    samples = make(20, (name,))

    def run(seed: int) -> list[tuple[Tensor, Tensor]]:
        torch.manual_seed(np.random.default_rng().integers(1000))  # must not matter
        return [(b.x, b.index) for b in samples.batches(6, seeded(seed), shuffle=True, augmented=True)]

    first, again, other = run(1), run(1), run(2)
    assert all(
        torch.equal(a, b) for pair in zip(first, again, strict=True) for a, b in zip(*pair, strict=True)
    )
    assert not torch.equal(first[0][1], other[0][1])


@pytest.mark.parametrize("name", KINDS)
def test_another_seed_augments_otherwise(name: str) -> None:
    samples = make(20, (name,))
    first, again, other = (
        next(samples.batches(20, seeded(seed), augmented=True)).x for seed in (1, 1, 2)
    )  # in order
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_a_second_pass_differs_from_the_first() -> None:
    samples, generator = make(20), seeded()
    first, second = (
        [b.index.tolist() for b in samples.batches(20, generator, shuffle=True)] for _ in range(2)
    )
    assert first != second


def test_the_global_random_state_is_neither_read_nor_moved() -> None:
    before = torch.random.get_rng_state()
    list(make(20, KINDS).batches(6, seeded(), shuffle=True, augmented=True))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("wish", [{"shuffle": True}, {"augmented": True}])
def test_random_batches_need_a_generator(wish: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="generator"):
        list(make(4).batches(2, **wish))


def test_the_draws_are_those_of_earlier_versions() -> None:
    """Runs of the past can be repeated: one permutation per pass, then per batch two offsets and one coin."""
    samples, generator = make(10, ("crop", "flip")), seeded(7)
    found = list(samples.batches(4, seeded(7), shuffle=True, augmented=True))
    plain_NHWC = torch.nn.functional.pad(samples.x_NHWC, (0, 0, 4, 4, 4, 4))
    for batch, rows in zip(found, torch.randperm(10, generator=generator).split(4), strict=True):
        assert torch.equal(batch.index - 100, rows)
        top_B, left_B = torch.randint(0, 9, (2, len(rows)), generator=generator).tolist()
        flipped_B = torch.rand(len(rows), generator=generator) < 0.5
        windows = [plain_NHWC[r, t : t + 8, s : s + 8] for r, t, s in zip(rows, top_B, left_B, strict=True)]
        wanted = torch.stack([w.flip(1) if f else w for w, f in zip(windows, flipped_B, strict=True)])
        wanted = torch.addcmul(samples.shift, wanted.float(), samples.scale)
        assert torch.equal(batch.x.permute(0, 2, 3, 1), wanted)
