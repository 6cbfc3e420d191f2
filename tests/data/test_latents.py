"""Latents batch by batch: those of the images asked for, and none of none."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from reunlearn.data.images import ImageSamples
from reunlearn.data.latents import LatentSamples


def encode(x: Tensor) -> Tensor:
    """Return latents [B, 2, h, w]; refuse an empty batch, as VAEs with attention do."""
    assert len(x), "a batch of no image"
    return torch.cat((x, -x), dim=1)[..., ::2, ::2]


def samples() -> LatentSamples:
    pixels = np.arange(3 * 16, dtype=np.uint8).reshape(3, 1, 4, 4)
    return LatentSamples(ImageSamples(pixels, np.array([0, 1, 1]), np.arange(3), (0.5,), (0.5,)), encode)


def test_latents_are_those_of_the_rows() -> None:
    made = samples()
    latents = made.inputs(torch.tensor([2, 0]))
    torch.testing.assert_close(latents, encode(made.images.inputs(torch.tensor([2, 0]))))
    assert not torch.equal(latents[0], latents[1]), "control"


def test_no_rows_are_no_latents_of_the_same_shape() -> None:
    made = samples()
    empty = made.inputs(torch.tensor([], dtype=torch.long))
    assert empty.shape == (0, *made.inputs(torch.tensor([0])).shape[1:])
