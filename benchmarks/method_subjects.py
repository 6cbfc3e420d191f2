"""What benchmarks/methods.py and methods_against_loops.py measure on: a counted network, and images."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec

SHAPE, CLASSES, BATCH = (3, 32, 32), 10, 128
SIZES = {"forget": 512, "retain": 1024, "validation": 128}
STATE = 1024  # samples of the training-time state that is measured alone
passes = {"backward": 0, "forward": 0}


def count(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
    """Count a forward pass."""
    passes["backward" if torch.is_grad_enabled() else "forward"] += len(inputs[0])


def network(seed: int, name: str | None = None) -> nn.Module:
    """Return the network, or the one of a method around it; its passes are counted."""
    settings: dict[str, Any] = {"width": 16, **({"body": "resnet18"} if name else {})}
    model = build(ArchitectureSpec(name=name or "resnet18", settings=settings), SHAPE, CLASSES, seed)
    model = model.to(memory_format=torch.channels_last)
    model.register_forward_hook(count)
    return model


def samples(rows_N: np.ndarray) -> ImageSamples:
    """Return some of all images; those to forget are class 0, of which retain has none."""
    number = np.arange(sum(SIZES.values()) + STATE)
    kept = np.where(number < SIZES["forget"], 0, 1 + number % (CLASSES - 1))
    y = np.where(number < SIZES["forget"] + SIZES["retain"], kept, number % CLASSES)
    x = np.random.default_rng(0).integers(0, 256, (len(number), *SHAPE)).astype(np.uint8)
    return ImageSamples(x[rows_N], y[rows_N], rows_N, (0.5,) * 3, (0.25,) * 3)


def images() -> dict[str, ImageSamples]:
    """Return the sets."""
    ends = np.cumsum(list(SIZES.values()))
    return {name: samples(np.arange(end - SIZES[name], end)) for name, end in zip(SIZES, ends, strict=True)}


def seconds(run: Callable[[], object]) -> float:
    """Return the CPU seconds of a run."""
    began = time.process_time()
    run()
    return time.process_time() - began


def fastest(run: Callable[[], object], turns: int) -> float:
    """Return the fewest CPU seconds of some runs after one to warm up."""
    run()
    return min(seconds(run) for _ in range(turns))
