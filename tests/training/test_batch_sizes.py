"""How many samples are looked at at once: fixed on a CPU, fewer of large ones on a GPU."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from reunlearn.data.batches import Samples
from reunlearn.data.images import ImageSamples
from reunlearn.data.text import TextSamples
from reunlearn.training.batch_sizes import EVALUATION, MEASURING, batch_size


def images(channels: int, side: int, resize: int | None = None) -> Samples:
    x = np.zeros((2, channels, side, side), np.uint8)
    middle = (0.5,) * channels
    return ImageSamples(x, np.zeros(2), np.arange(2), middle, middle, resize=resize)


def texts(longest: int) -> Samples:
    x = np.ones((2, longest), np.int64)
    x[0, 1:] = 0  # the first text has one token
    return TextSamples(x, np.zeros(2), np.arange(2))


def on_gpu(samples: Samples, monkeypatch: pytest.MonkeyPatch) -> Samples:
    """Let a set say that it lies on a GPU; its inputs are made on the CPU."""
    monkeypatch.setattr(type(samples), "device", property(lambda self: SimpleNamespace(type="cuda")))
    return samples


@pytest.mark.parametrize("samples", [images(1, 8), images(3, 224), texts(512)])
def test_on_a_cpu_the_number_is_fixed(samples: Samples) -> None:
    assert batch_size(EVALUATION, samples) == 128
    assert batch_size(MEASURING, samples) == 1000


@pytest.mark.parametrize(
    ("samples", "evaluation", "measuring"),
    [
        (images(1, 8), 4000, 1000),
        (images(3, 32), 4000, 1000),
        (images(3, 64), 1000, 1000),
        (images(3, 224), 81, 81),
        (images(1, 224), 81, 81),  # maps do not grow with the channels of the images
        (images(3, 32, resize=224), 81, 81),  # what the network gets counts
        (images(3, 3000), 1, 1),
        (texts(128), 4000, 1000),
        (texts(512), 1000, 1000),
    ],
)
def test_on_a_gpu_it_falls_with_the_size(
    monkeypatch: pytest.MonkeyPatch, samples: Samples, evaluation: int, measuring: int
) -> None:
    on_gpu(samples, monkeypatch)
    assert batch_size(EVALUATION, samples) == evaluation
    assert batch_size(MEASURING, samples) == measuring


def test_asking_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before: Any = torch.get_rng_state()
    batch_size(EVALUATION, on_gpu(images(3, 32, resize=64), monkeypatch))
    assert torch.equal(torch.get_rng_state(), before)
