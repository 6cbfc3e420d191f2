"""Networks: sizes that were counted by hand, weights that follow from the seed alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from reunlearn.models.registry import build, card
from reunlearn.study.catalogue import plugin_names

NAMES = plugin_names("models")


def make(name: str, seed: int = 0, shape: tuple[int, int, int] = (3, 32, 32), **settings: Any) -> nn.Module:
    return build({"name": name, "settings": settings}, shape, 10, seed)


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def resnet18_parameters(width: int, channels: int, classes: int) -> int:
    """Count by the formula: 3×3 convolutions, two numbers per BatchNorm channel, projections, the last layer."""
    total = 9 * channels * width + 2 * width
    inputs = width
    for stage in range(4):
        outputs = width * 2**stage
        total += 9 * inputs * outputs + 3 * 9 * outputs**2 + 4 * 2 * outputs
        total += (inputs * outputs + 2 * outputs) if stage else 0
        inputs = outputs
    return total + inputs * classes + classes


def test_resnet18_has_the_size_of_the_papers() -> None:
    assert resnet18_parameters(64, 3, 10) == 11_173_962
    with torch.device("meta"):
        assert count(make("resnet18")) == 11_173_962


@pytest.mark.parametrize("width", [4, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_width_scales_every_stage_of_resnet18(width: int, channels: int) -> None:
    model = make("resnet18", shape=(channels, 32, 32), width=width)
    assert count(model) == resnet18_parameters(width, channels, 10)
    assert model.head.in_features == 8 * width


@pytest.mark.parametrize("width", [8, 32])
def test_small_cnn_has_three_convolutions(width: int) -> None:
    model = make("small_cnn", shape=(1, 8, 8), width=width)
    convolutions = 9 * (width + 2 * width**2 + 4 * width**2)
    assert count(model) == convolutions + 2 * (width + 2 * width + 2 * width) + 2 * width * 10 + 10


@pytest.mark.parametrize("name", NAMES)
def test_the_default_width_is_the_one_on_the_card(name: str) -> None:
    settings = card(name)["settings"]
    with torch.device("meta"):
        assert count(make(name)) == count(make(name, **settings))


@pytest.mark.parametrize("name", NAMES)
def test_weights_follow_from_the_seed(name: str) -> None:
    first, again, other = (make(name, seed, width=4).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[key], again[key]) for key in first)
    convolutions = [key for key, value in first.items() if value.ndim == 4]
    assert len(convolutions) >= 3
    assert not any(torch.equal(first[key], other[key]) for key in convolutions)


@pytest.mark.parametrize("name", NAMES)
def test_the_global_random_state_is_neither_read_nor_moved(name: str) -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first = make(name, width=4).state_dict()
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.rand(3)
    assert all(torch.equal(first[key], value) for key, value in make(name, width=4).state_dict().items())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 32, 32)])
def test_images_go_in_and_logits_come_out(name: str, shape: tuple[int, int, int]) -> None:
    model = make(name, shape=shape, width=4).eval()
    x_NCHW = torch.randn(5, *shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits_NK = model(x_NCHW)
        assert logits_NK.shape == (5, 10)
        assert logits_NK.isfinite().all()
        channels_last = model(x_NCHW.contiguous(memory_format=torch.channels_last))
        assert torch.allclose(logits_NK, channels_last, atol=1e-5)
        assert torch.allclose(model(x_NCHW[2:3]), logits_NK[2:3], atol=1e-5)
        assert not torch.allclose(logits_NK[0], logits_NK[1], atol=1e-5)
