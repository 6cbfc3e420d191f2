"""What the sections of benchmarks/gpu.py share: sizes, images, networks, and the rate of a training."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.engines.engine import Engine
from reunlearn.training.loop import train_together

ON_GPU = torch.cuda.is_available()
DEVICE = "cuda:0" if ON_GPU else "cpu"
CLASSES, SHAPE = 10, (3, 32, 32)


@dataclass(frozen=True)
class Sizes:
    """How large everything is."""

    images: int = 50_000
    batch: int = 256
    resnet: int = 64  # width
    vgg: int = 128  # width
    pool_images: int = 12_800
    widths: tuple[int, ...] = (4, 10, 25)  # networks of a group
    processes: tuple[int, ...] = (2, 4, 8)
    pool_seconds: float = 8
    matrix: int = 8192
    loader_workers: tuple[int, ...] = (8, 16)
    loader_seconds: float = 8
    evaluated: int = 50_000
    checks: int = 6  # recipes that engines are compared with


TINY = Sizes(64, 16, 8, 8, 32, (2,), (2,), 0.2, 128, (0, 1), 0.2, 64, 1)
Figures = dict[str, Any]


def images(count: int, device: str = DEVICE) -> ImageSamples:
    """Return random images on a device, cropped and flipped in training."""
    generator = np.random.default_rng(0)
    x_NCHW = generator.integers(0, 256, (count, *SHAPE), dtype=np.uint8)
    y_N, middle = generator.integers(0, CLASSES, count), (0.5,) * 3
    augmentation = Augmentation(("crop", "flip"))
    return ImageSamples(
        x_NCHW, y_N, np.arange(count), middle, middle, augmentation=augmentation, device=device
    )


def network(name: str, seed: int = 0, **settings: Any) -> nn.Module:
    """Return a network on the device."""
    model = build(ArchitectureSpec(name=name, settings=settings), SHAPE, CLASSES, seed).to(DEVICE)
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def recipe(sizes: Sizes, **changes: Any) -> Recipe:
    """Return two epochs of plain SGD."""
    settings = {"epochs": 2, "batch_size": sizes.batch, "learning_rate": 0.01, "weight_decay": 5e-4}
    return Recipe(**{**settings, **changes})


def epochs(
    models: Sequence[nn.Module], samples: ImageSamples, wanted: Recipe, engine: type[Engine]
) -> Figures:
    """Train; return images per second of all models together in the epochs after the first, losses, and memory."""
    ends: list[float] = []
    if ON_GPU:
        torch.cuda.reset_peak_memory_stats()
    histories = train_together(
        models,
        [samples] * len(models),
        Classification(CLASSES),
        wanted,
        list(range(len(models))),
        engine=engine,
        progress=lambda numbers, _: ends.append(time.perf_counter()),
    )
    seconds = (ends[-1] - ends[0]) / (len(ends) - 1)
    return {
        "images_per_second": len(models) * len(samples) / seconds,
        "losses": [entry["loss"] for entry in histories[0]],
        "peak_memory_mib": torch.cuda.max_memory_allocated() / 2**20 if ON_GPU else None,
    }


def now() -> float:
    """Return the seconds of a clock, once the device has done what it was asked."""
    if ON_GPU:
        torch.cuda.synchronize()
    return time.perf_counter()
