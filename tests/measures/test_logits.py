"""Outputs in half precision: what is clipped, what stays, and that a model is only looked at."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from reunlearn.data.images import ImageSamples
from reunlearn.measures._logits import logits
from reunlearn.objectives.classification import make

LARGEST = 65504.0  # of float16


class Fixed(nn.Module):
    """Says the same of every sample."""

    def __init__(self, values: list[float]) -> None:
        super().__init__()
        self.register_buffer("values", torch.tensor(values))

    def forward(self, x: Tensor) -> Tensor:
        return self.values.expand(len(x), -1)


def images(count: int = 3) -> ImageSamples:
    index = np.arange(count)
    return ImageSamples(np.zeros((count, 1, 2, 2), np.uint8), index % 2, index, (0.5,), (0.5,))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (1.5, 1.5),
        (1e6, LARGEST),
        (-1e6, -LARGEST),
        (3e38, LARGEST),
        (math.inf, math.inf),
        (-math.inf, -math.inf),
        (math.nan, math.nan),
    ],
)
def test_only_finite_values_are_clipped(value: float, kept: float) -> None:
    outputs_NK = logits(Fixed([0.25, value]), images(), make(2))
    assert outputs_NK.dtype == np.float16
    np.testing.assert_array_equal(outputs_NK, np.tile(np.array([0.25, kept], np.float16), (3, 1)))


def test_batches_change_nothing_and_samples_keep_their_order() -> None:
    """More samples than one batch holds."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
    x = np.random.default_rng(0).integers(0, 256, (600, 1, 2, 2)).astype(np.uint8)
    index = np.arange(600)
    samples = ImageSamples(x, index % 2, index, (0.5,), (0.5,))
    with torch.no_grad():
        expected = model(samples.take(slice(None)).x).numpy()
    np.testing.assert_allclose(logits(model, samples, make(2)), expected, atol=1e-3)
