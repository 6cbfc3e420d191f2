"""Batches: what is drawn, in which order, and that augmentation has torchvision's distribution."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from reunlearn.data.batches import PADDING, Samples, augment, crop, flip
from reunlearn.data.torchvision_compat import transforms

per_image = transforms.functional
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def make(count: int, augmentation: tuple[str, ...] = (), size: int = 8) -> Samples:
    generator = np.random.default_rng(0)
    x_NCHW = generator.integers(0, 256, (count, 3, size, size), dtype=np.uint8)
    return Samples(x_NCHW, np.arange(count) % 10, 100 + np.arange(count), MEAN, STD, augmentation)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(count: int, size: int = 32) -> Tensor:
    return torch.randint(0, 256, (count, size, size, 3), dtype=torch.uint8, generator=seeded(9))


def test_a_batch_is_normalised_pixels_labels_and_indices() -> None:
    samples = make(6)
    raw_NCHW = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)
    batch = samples.take(torch.tensor([4, 1]))
    expected = (raw_NCHW[[4, 1]] / 255 - np.reshape(MEAN, (1, 3, 1, 1))) / np.reshape(STD, (1, 3, 1, 1))
    assert np.allclose(batch.x, expected, atol=1e-5)
    assert batch.y.tolist() == [4, 1]
    assert batch.index.tolist() == [104, 101]


def test_the_set_stays_uint8_on_its_device() -> None:
    samples = make(6)
    assert samples.x_NHWC.dtype == torch.uint8
    assert samples.device == torch.device("cpu")
    assert {t.device for t in (samples.x_NHWC, samples.y, samples.index, samples.scale)} == {samples.device}


@pytest.mark.parametrize(("count", "sizes"), [(10, [4, 4, 2]), (9, [4, 4, 1]), (8, [4, 4]), (3, [3])])
def test_the_last_batch_may_be_smaller_even_one(count: int, sizes: list[int]) -> None:
    samples = make(count, ("crop", "flip"))
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


def test_batches_follow_from_the_generator_alone() -> None:
    samples = make(20, ("crop", "flip"))

    def run(seed: int) -> list[tuple[Tensor, Tensor]]:
        torch.manual_seed(np.random.default_rng().integers(1000))  # must not matter
        return [(b.x, b.index) for b in samples.batches(6, seeded(seed), shuffle=True, augmented=True)]

    first, again, other = run(1), run(1), run(2)
    assert all(
        torch.equal(a, b) for pair in zip(first, again, strict=True) for a, b in zip(*pair, strict=True)
    )
    assert not torch.equal(first[0][1], other[0][1])


def test_a_second_pass_differs_from_the_first() -> None:
    samples, generator = make(20), seeded()
    first, second = (
        [b.index.tolist() for b in samples.batches(20, generator, shuffle=True)] for _ in range(2)
    )
    assert first != second


def test_the_global_random_state_is_neither_read_nor_moved() -> None:
    before = torch.random.get_rng_state()
    list(make(20, ("crop", "flip")).batches(6, seeded(), shuffle=True, augmented=True))
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("wish", [{"shuffle": True}, {"augmented": True}])
def test_random_batches_need_a_generator(wish: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="generator"):
        list(make(4).batches(2, **wish))


def test_without_augmentation_batches_are_plain() -> None:
    batch = next(make(8).batches(8, seeded(), augmented=True))
    assert torch.equal(batch.x, make(8).take(slice(0, 8)).x)
    other = next(make(8, ("crop",)).batches(8, seeded(), augmented=True))
    assert not torch.equal(batch.x, other.x)


def test_augmentation_leaves_the_set_as_it_was() -> None:
    samples = make(20, ("crop", "flip"))
    before = samples.x_NHWC.clone()
    list(samples.batches(6, seeded(), shuffle=True, augmented=True))
    assert torch.equal(samples.x_NHWC, before)


def test_crop_equals_torchvision_at_every_offset() -> None:
    steps = torch.arange(2 * PADDING + 1)
    top, left = (grid.flatten() for grid in torch.meshgrid(steps, steps, indexing="ij"))
    x_NHWC = images(len(top))
    found = crop(x_NHWC, top, left).permute(0, 3, 1, 2)
    padded = functional.pad(x_NHWC.permute(0, 3, 1, 2), (PADDING,) * 4)
    for image, wanted, i, j in zip(found, padded, top.tolist(), left.tolist(), strict=True):
        assert torch.equal(image, per_image.crop(wanted, i, j, 32, 32))


def test_crop_in_the_middle_is_the_image_itself() -> None:
    x_NHWC, middle = images(3), torch.full((3,), PADDING)
    assert torch.equal(crop(x_NHWC, middle, middle), x_NHWC)


def test_flip_equals_torchvision_and_touches_only_its_rows() -> None:
    x_NHWC = images(5)
    found = flip(x_NHWC, torch.tensor([3, 0])).permute(0, 3, 1, 2)
    for row, image in enumerate(x_NHWC.permute(0, 3, 1, 2)):
        assert torch.equal(found[row], per_image.hflip(image) if row in (0, 3) else image)


def marked(count: int) -> Tensor:
    """Return copies of an image whose pixels tell where they come from: channel 0 row + 1, 1 column + 1."""
    steps = torch.arange(1, 33, dtype=torch.uint8)
    image = torch.stack([steps[:, None].expand(32, 32), steps.expand(32, 32), torch.ones(32, 32)], dim=2)
    return image.to(torch.uint8).expand(count, 32, 32, 3)


def geometry(x_NHWC: Tensor) -> Tensor:
    """Return (top, left, flipped) of each augmented copy of the marked image [N, 3]."""
    row, column = x_NHWC[:, 16, 16, 0].long() - 1, x_NHWC[:, 16, 15:17, 1].long() - 1
    flipped = column[:, 0] > column[:, 1]
    left = torch.where(flipped, column[:, 1], column[:, 0]) - 15 + PADDING
    return torch.stack([row - 16 + PADDING, left, flipped.long()], dim=1)


def chi_square(counts: Tensor) -> float:
    expected = counts.sum() / counts.numel()
    return float(((counts - expected) ** 2 / expected).sum())


def test_all_162_geometries_are_equally_likely() -> None:
    draws = 162 * 200
    found = geometry(augment(marked(draws), ("crop", "flip"), seeded(1)))
    cells = found[:, 0] * 18 + found[:, 1] * 2 + found[:, 2]
    counts = torch.bincount(cells, minlength=162).double()
    assert len(counts) == 162
    spread = math.sqrt(2 * 161)  # standard deviation of a chi-square with 161 degrees of freedom
    assert abs(chi_square(counts) - 161) < 4 * spread
    skewed = torch.bincount(cells[found[:, 2] * torch.arange(draws) % 10 < 9], minlength=162).double()
    assert abs(chi_square(skewed) - 161) > 4 * spread  # the control: a tenth of some flips lost is noticed


def test_the_mean_of_every_position_is_that_of_torchvision() -> None:
    draws, image = 1500, images(1)[0]
    transform = transforms.Compose(
        [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), transforms.ToTensor()]
    )
    pil = transforms.ToPILImage()(image.permute(2, 0, 1))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        theirs = torch.stack([transform(pil) for _ in range(draws)]).double()
    ours = augment(image.expand(draws, 32, 32, 3), ("crop", "flip"), seeded(4)).permute(0, 3, 1, 2) / 255
    error = (theirs.var(0) / draws + ours.double().var(0) / draws).sqrt()
    score_CHW = (ours.double().mean(0) - theirs.mean(0)) / error
    # 3072 positions, their scores nearly standard normal; neighbours share draws, hence the slack
    assert float(score_CHW.abs().max()) < 5
    assert 0.7 < float(score_CHW.square().mean()) < 1.3
    unflipped = augment(image.expand(draws, 32, 32, 3), ("crop",), seeded(4)).permute(0, 3, 1, 2) / 255
    assert float(((unflipped.double().mean(0) - theirs.mean(0)) / error).abs().max()) > 5  # the control
