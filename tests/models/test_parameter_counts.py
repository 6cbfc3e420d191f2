"""Numbers of parameters: the papers' own, published ones, and formulas written down apart from the networks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import nn

from reunlearn.models.registry import card
from tests.models.networks import NAMES, make


def count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def resnet(blocks: Sequence[int], width: int, channels: int, classes: int, kernel: int = 3) -> int:
    """Count the stem, 3×3 convolutions, two numbers per BatchNorm channel, projections, the last layer."""
    total = kernel**2 * channels * width + 2 * width
    inputs = width
    for stage, number in enumerate(blocks):
        outputs = width * 2**stage
        total += 9 * inputs * outputs + (2 * number - 1) * 9 * outputs**2 + 2 * number * 2 * outputs
        total += (inputs * outputs + 2 * outputs) if stage else 0
        inputs = outputs
    return total + inputs * classes + classes


def tiny_vit(classes: int, dims: Sequence[int] = (64, 128, 160, 320)) -> int:
    """Count the paper's stem, MBConv stage, three stages of windows and head; BatchNorm has two per channel."""
    first = dims[0]
    half, wide = first // 2, 4 * first
    total = 9 * 3 * half + 2 * half + 9 * half * first + 2 * first
    total += 2 * (first * wide + 2 * wide + 9 * wide + 2 * wide + wide * first + 2 * first)
    stages = zip(dims[:-1], dims[1:], (2, 6, 2), (4, 5, 10), (7, 14, 7), strict=True)
    for before, d, depth, heads, window in stages:
        total += before * d + 2 * d + 9 * d + 2 * d + d * d + 2 * d
        attention = 2 * d + 3 * d * d + 3 * d + d * d + d + heads * window**2
        inner = 2 * d + 4 * d * d + 4 * d + 4 * d * d + d
        total += depth * (attention + inner + 9 * d + 2 * d)
    return total + 2 * dims[-1] + dims[-1] * classes + classes


def vit(patch: int, side: int, width: int, depth: int, classes: int) -> int:
    """Count patches, class token, positions, blocks of attention and a hidden layer, last norm and head."""
    block = 2 * width + 4 * width**2 + 4 * width + 2 * width + 8 * width**2 + 5 * width
    tokens = (side // patch) ** 2 + 1
    return (
        3 * patch**2 * width
        + width
        + width
        + tokens * width
        + depth * block
        + 2 * width
        + width * classes
        + classes
    )


SIZES = {  # the papers' counts; where torchvision publishes one for 1000 classes, that less the smaller last layer
    ("resnet18", 10): 11_173_962,
    ("resnet34", 10): 21_282_122,
    ("masked", 10): 11_173_962 + 512 * 10,
    ("small_vgg", 10): 5_681_674,
    ("all_cnn", 10): 1_620_010,
    ("torchvision_resnet18", 200): 11_279_112,
    ("torchvision_resnet18", 10): 11_689_512 - 990 * (512 + 1),
    ("torchvision_resnet34", 10): 21_797_672 - 990 * (512 + 1),
    ("swin_t", 200): 27_673_154,
    ("swin_t", 10): 28_288_354 - 990 * (768 + 1),
    ("vit", 10): 86_567_656 - 990 * (768 + 1),
    ("tiny_vit_5m", 10): 5_074_974,
}


@pytest.mark.parametrize(("name", "classes"), SIZES)
def test_the_defaults_have_the_size_of_the_papers(name: str, classes: int) -> None:
    shape = (3, 224, 224) if name in ("vit", "swin_t", "tiny_vit_5m") else (3, 32, 32)
    with torch.device("meta"):
        assert count(make(name, shape=shape, classes=classes)) == SIZES[name, classes]
        assert count(make(name, shape=shape, classes=classes + 1)) > SIZES[name, classes]


def test_formulas_agree_with_published_sizes() -> None:
    assert resnet((2, 2, 2, 2), 64, 3, 10) == SIZES["resnet18", 10]
    assert resnet((3, 4, 6, 3), 64, 3, 10) == SIZES["resnet34", 10]
    assert resnet((3, 4, 6, 3), 64, 3, 1000, kernel=7) == 21_797_672
    assert vit(16, 224, 768, 12, 1000) == 86_567_656
    assert tiny_vit(10) == SIZES["tiny_vit_5m", 10]
    assert round(tiny_vit(1000) / 1e6, 1) == 5.4  # million, as its authors and timm print it
    assert round(tiny_vit(21_841) / 1e6, 1) == 12.1


@pytest.mark.parametrize("width", [4, 16])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "blocks"), [("resnet18", (2, 2, 2, 2)), ("resnet34", (3, 4, 6, 3))])
def test_the_width_scales_every_stage(name: str, blocks: tuple[int, ...], width: int, channels: int) -> None:
    model = make(name, shape=(channels, 32, 32), width=width)
    assert count(model) == resnet(blocks, width, channels, 10)
    assert model.head.in_features == 8 * width


def test_the_settings_of_transformers_scale_them() -> None:
    small = make("vit", shape=(3, 32, 32), patch=8, width=24, depth=3, heads=4)
    assert count(small) == vit(8, 32, 24, 3, 10)
    assert count(make("tiny_vit_5m", width=8)) == tiny_vit(10, (8, 16, 20, 40))


@pytest.mark.parametrize("width", [8, 32])
def test_small_cnn_has_three_convolutions(width: int) -> None:
    model = make("small_cnn", shape=(1, 8, 8), width=width)
    convolutions = 9 * (width + 2 * width**2 + 4 * width**2)
    assert count(model) == convolutions + 2 * (width + 2 * width + 2 * width) + 2 * width * 10 + 10


@pytest.mark.parametrize(
    ("shape", "settings", "expected"),
    [
        ((3, 32, 32), {}, 35_751_939),  # as the U-Net of diffusers that matches the papers'
        (
            (1, 8, 8),
            {"width": 16, "multipliers": "1-2", "blocks": 1, "attention": "4", "dropout": 0.0},
            177_553,
        ),  # of quickstart-generation
    ],
)
def test_the_unet_of_ddpm(shape: tuple[int, int, int], settings: dict[str, object], expected: int) -> None:
    with torch.device("meta"):
        assert count(make("ddpm_unet", shape=shape, classes=10, **settings)) == expected
        assert count(make("ddpm_unet", shape=shape, classes=11, **settings)) > expected


@pytest.mark.parametrize("name", NAMES)
def test_the_default_settings_are_those_on_the_card(name: str) -> None:
    facts = card(name)
    with torch.device("meta"):
        assert count(make(name)) == count(make(name, **facts["settings"]))
    assert facts["summary"].endswith(".")
    assert ("pretrained" in facts["settings"]) == (facts["pretrained"] is not None)
