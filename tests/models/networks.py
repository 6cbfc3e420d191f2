"""Small networks of every architecture that classifies images, and images for them."""

from __future__ import annotations

import copy
import functools
from typing import Any

import torch
from torch import Tensor, nn

from reunlearn.models.registry import build, card
from reunlearn.study.catalogue import plugin_names
from reunlearn.study.specs import ArchitectureSpec

Shape = tuple[int, int, int]
NAMES = [name for name in plugin_names("models") if "classification" in card(name)["objectives"]]
SMALL: dict[
    str, dict[str, Any]
] = {  # settings that fit a test; networks that are not named here take a width
    "torchvision_resnet18": {},
    "torchvision_resnet34": {},
    "vit": {"patch": 4, "width": 16, "depth": 2, "heads": 2},
    "swin_t": {"width": 12},
}


def make(
    name: str, seed: int = 0, shape: Shape = (3, 32, 32), classes: int = 10, **settings: Any
) -> nn.Module:
    """Return the network with its default settings but for those given."""
    return build(ArchitectureSpec(name=name, settings=settings), shape, classes, seed)


def small(name: str, seed: int = 0, shape: Shape = (3, 32, 32)) -> nn.Module:
    """Return a small version, freshly initialised."""
    return make(name, seed, shape, **SMALL.get(name, {"width": 4}))


def stirred(name: str, shape: Shape = (3, 32, 32)) -> nn.Module:
    """Return a small network with noise on every weight: some begin at zero and would hide what precedes them."""
    return copy.deepcopy(_stirred(name, shape))


@functools.cache
def _stirred(name: str, shape: Shape) -> nn.Module:
    model = small(name, shape=shape)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            scale = 1 / parameter[0].numel() ** 0.5 if parameter.ndim > 1 else 0.2
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))
    return model


def images(count: int, shape: Shape = (3, 32, 32)) -> Tensor:
    """Return some images of noise, always the same."""
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(0))


def close(a: Tensor, b: Tensor) -> bool:
    """Tell whether two results agree to 1e-5 of the largest entry."""
    return bool((a - b).abs().max() <= 1e-5 * b.abs().max())
