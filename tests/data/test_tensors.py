"""Sets of inputs that are already what a network takes: their batches are those of images, to the bit and in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from reunlearn.data.images import ImageSamples
from reunlearn.data.tensors import TensorSamples

COUNT = 9
INDEX = np.arange(COUNT) + 5
Y = np.arange(COUNT) % 3
PIXELS = np.random.default_rng(0).integers(0, 256, (COUNT, 3, 4, 5)).astype(np.uint8)
ROWS = [slice(2, 6), torch.tensor([4, 0, 4])]


def images() -> ImageSamples:
    return ImageSamples(PIXELS, Y, INDEX, (0.5, 0.4, 0.3), (0.2, 0.3, 0.25))


@pytest.mark.parametrize("rows", ROWS)
def test_batches_are_those_of_images(rows: Tensor | slice) -> None:
    x = images().inputs(slice(None)).contiguous()
    own = TensorSamples(x, Y, INDEX, pixels=images().pixel_scale)
    mine, theirs = own.take(rows), images().take(rows)
    assert torch.equal(mine.x, theirs.x) and mine.x.stride() == theirs.x.stride()
    assert torch.equal(mine.y, theirs.y) and torch.equal(mine.index, theirs.index)
    assert own.places == images().places == 20
    assert own.pixel_scale is not None
    assert torch.equal(torch.stack(own.pixel_scale), torch.stack(images().pixel_scale))


@pytest.mark.parametrize("shape", [(COUNT, 7), (COUNT, 3, 4, 4), (COUNT, 2, 3, 4, 4)])
@pytest.mark.parametrize("rows", ROWS)
def test_a_batch_is_a_copy(shape: tuple[int, ...], rows: Tensor | slice) -> None:
    x = torch.randn(shape)
    samples = TensorSamples(x, Y, INDEX)
    samples.inputs(rows).zero_()
    assert torch.equal(samples.inputs(slice(None)), x)
    assert samples.pixel_scale is None


def test_only_augmented_batches_are_augmented_and_from_the_generator_given() -> None:
    def noisy(x: Tensor, generator: torch.Generator) -> Tensor:
        return x + torch.randn(x.shape, generator=generator)

    samples = TensorSamples(torch.zeros(COUNT, 2), Y, INDEX, augment=noisy)
    first, again, other = (
        samples.inputs(slice(None), torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert not samples.inputs(slice(None)).any()


def test_token_ids_stay_whole_numbers() -> None:
    samples = TensorSamples(torch.ones(COUNT, 6, dtype=torch.int64), Y, INDEX)
    assert samples.inputs(slice(0, 2)).dtype == torch.int64 and samples.places == 6
