"""Sets of images: what a batch holds, how it lies in memory, and where the set lies."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.data.resize import resize
from tests.data.pictures import seeded

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
ALL = Augmentation(("crop", "flip", "rotation", "randaugment"))


def raw(count: int, size: int = 8) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 3, size, size), dtype=np.uint8)


def make(count: int, augmentation: Augmentation | None = None, **more) -> ImageSamples:
    x_NCHW, index = raw(count), 100 + np.arange(count)
    return ImageSamples(x_NCHW, np.arange(count) % 10, index, MEAN, STD, augmentation=augmentation, **more)


def test_a_batch_is_normalised_pixels_labels_and_indices() -> None:
    batch = make(6).take(torch.tensor([4, 1]))
    expected = (raw(6)[[4, 1]] / 255 - np.reshape(MEAN, (1, 3, 1, 1))) / np.reshape(STD, (1, 3, 1, 1))
    assert np.allclose(batch.x, expected, atol=1e-5)
    assert batch.y.tolist() == [4, 1]
    assert batch.index.tolist() == [104, 101]


def test_the_set_stays_uint8_on_its_device() -> None:
    samples = make(6)
    assert samples.x_NHWC.dtype == torch.uint8
    assert samples.device == torch.device("cpu")
    assert {t.device for t in (samples.x_NHWC, samples.y, samples.index, samples.scale)} == {samples.device}


def test_the_set_is_a_copy() -> None:
    x_NCHW = np.zeros((3, 1, 4, 4), np.uint8)  # one channel: its order in memory needs no change
    samples = ImageSamples(x_NCHW, np.zeros(3), np.arange(3), (0.5,), (0.5,))
    x_NCHW[:] = 255
    assert not samples.x_NHWC.any()


@pytest.mark.parametrize("size", [None, 12])
@pytest.mark.parametrize("names", [(), *((name,) for name in ALL.names), ALL.names])
def test_batches_are_channels_last_in_memory(names: tuple[str, ...], size: int | None) -> None:
    samples = make(20, Augmentation(names), resize=size)
    side = size or 8
    for batch in samples.batches(6, seeded(), shuffle=True, augmented=True):
        assert batch.x.shape[1:] == (3, side, side)
        assert batch.x.is_contiguous(memory_format=torch.channels_last)
        assert not batch.x.is_contiguous()  # the control: another order in memory would be noticed


def test_without_augmentation_batches_are_plain() -> None:
    batch = next(make(8).batches(8, seeded(), augmented=True))
    assert torch.equal(batch.x, make(8).take(slice(0, 8)).x)
    other = next(make(8, Augmentation(("crop",))).batches(8, seeded(), augmented=True))
    assert not torch.equal(batch.x, other.x)


@pytest.mark.parametrize("name", ALL.names)
def test_augmentation_leaves_the_set_as_it_was(name: str) -> None:
    samples = make(20, Augmentation((name,)))
    before = samples.x_NHWC.clone()
    list(samples.batches(6, seeded(), augmented=True))
    assert torch.equal(samples.x_NHWC, before)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_images_are_resized_in_training_and_evaluation_before_augmentation(interpolation: str) -> None:
    samples = make(6, ALL, resize=16, interpolation=interpolation)
    resized_NHWC = resize(samples.x_NHWC, 16, interpolation)
    plain = torch.addcmul(samples.shift, resized_NHWC.float(), samples.scale).permute(0, 3, 1, 2)
    assert torch.equal(samples.take(slice(0, 6)).x, plain)
    augmented = torch.addcmul(samples.shift, ALL(resized_NHWC, seeded()).float(), samples.scale)
    assert torch.equal(samples.take(slice(0, 6), seeded()).x, augmented.permute(0, 3, 1, 2))
    assert not torch.equal(samples.take(slice(0, 6), seeded()).x, plain)


def test_rows_choose_and_order_the_images() -> None:
    x_NCHW, rows = raw(10), np.array([7, 2, 5])
    chosen = ImageSamples(x_NCHW, rows % 10, rows, MEAN, STD, rows=rows)
    before = ImageSamples(x_NCHW[rows], rows % 10, rows, MEAN, STD)
    assert torch.equal(chosen.x_NHWC, before.x_NHWC)
    assert not torch.equal(chosen.x_NHWC, before.x_NHWC.flip(0))


def test_labels_that_do_not_belong_to_the_rows_are_refused() -> None:
    rows = np.array([7, 2, 5])
    with pytest.raises(ValueError, match="3 images, 10 labels and 3 numbers"):
        ImageSamples(raw(10), np.arange(10), rows, MEAN, STD, rows=rows)


def test_pixels_that_are_no_bytes_are_refused() -> None:
    with pytest.raises(ValueError, match="images are float64; give uint8"):
        ImageSamples(raw(2) / 255, np.arange(2), np.arange(2), MEAN, STD)


@pytest.mark.parametrize(
    "names", [(), ("flip",), ("crop", "flip", "rotation"), ("randaugment", "crop")], ids=str
)
def test_a_pass_that_is_drawn_ahead_is_the_same_pass(names: tuple[str, ...]) -> None:
    """On a GPU all draws of a pass are copied at once. The generator ends where it ends batch by batch."""
    samples, ahead, by_batch = make(10, Augmentation(names)), seeded(), seeded()
    mine = list(samples.batches_ahead(4, ahead))
    theirs = list(samples.batches(4, by_batch, shuffle=True, augmented=True))
    assert [len(batch) for batch in mine] == [4, 4, 2]
    for a, b in zip(mine, theirs, strict=True):
        assert all(torch.equal(getattr(a, part), getattr(b, part)) for part in ("x", "y", "index"))
    assert torch.equal(ahead.get_state(), by_batch.get_state())


def test_between_batches_that_are_drawn_ahead_nobody_else_may_draw() -> None:
    """The control: a draw between two batches moves those that are drawn one by one, and only those."""
    samples = make(10, ALL)
    passes = []
    for disturbed in (False, True):
        for ahead in (False, True):
            generator, found = seeded(), []
            made = samples.batches_ahead(4, generator) if ahead else samples.batches(4, generator, True, True)
            for batch in made:
                found.append(batch.x)
                if disturbed:
                    torch.rand(1, generator=generator)
            passes.append(torch.cat(found))
    plain, plain_ahead, moved, same = passes
    assert torch.equal(plain, plain_ahead) and torch.equal(plain, same)
    assert not torch.equal(plain, moved)
