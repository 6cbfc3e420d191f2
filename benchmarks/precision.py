"""Images per second in training: full and mixed precision, and what keeping large blocks of memory gains.

Random images of CIFAR-10's size, batches of 128, SGD with momentum. All sides take turns in one process; a number is
the median over the turns. Where the CPU has no bfloat16, mixed precision is not measured.

    python benchmarks/precision.py [--threads 2] [--turns 5] [--seconds 4]
"""

from __future__ import annotations

import argparse
import ctypes
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.allocator import MMAP_MAX, TRIM_THRESHOLD, keep_large_blocks
from reunlearn.training.precision import autocast, in_use

NETWORKS = {
    "ResNet-18, width 64": ArchitectureSpec(name="resnet18"),
    "ResNet-18, width 16": ArchitectureSpec(name="resnet18", settings={"width": 16}),
    "small VGG": ArchitectureSpec(name="small_vgg"),
    "AllCNN": ArchitectureSpec(name="all_cnn"),
    "small CNN": ArchitectureSpec(name="small_cnn"),
}
BATCH = 128
MMAP_DEFAULT, TRIM_DEFAULT = 65536, 128 * 1024  # of glibc


def map_anew() -> None:
    """Undo keep_large_blocks."""
    mallopt = ctypes.CDLL(None).mallopt
    mallopt(MMAP_MAX, MMAP_DEFAULT)
    mallopt(TRIM_THRESHOLD, TRIM_DEFAULT)


def speed(model: nn.Module, precision: str, seconds: float) -> float:
    """Return images per second over at least so many seconds, after one step to warm up."""
    generator = torch.Generator().manual_seed(0)
    x_BCHW = torch.rand(BATCH, 3, 32, 32, generator=generator).to(memory_format=torch.channels_last)
    y_B = torch.randint(10, (BATCH,), generator=generator)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
    forward, steps, begin = autocast(precision, "cpu"), -1, 0.0
    while steps < 1 or time.perf_counter() - begin < seconds:
        if steps == 0:
            begin = time.perf_counter()
        with forward:
            loss = functional.cross_entropy(model(x_BCHW), y_B)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        steps += 1
    return steps * BATCH / (time.perf_counter() - begin)


def sides() -> dict[str, tuple[Callable[[], object], str]]:
    """Return what is compared: how memory is kept, and the precision."""
    compared: dict[str, tuple[Callable[[], object], str]] = {
        "full, mapped anew": (map_anew, "full"),
        "full": (keep_large_blocks, "full"),
    }
    if in_use("mixed", "cpu") == "mixed":
        compared["mixed"] = (keep_large_blocks, "mixed")
    return compared


def main() -> None:
    """Print images per second of each side and its ratio to the first."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    compared = sides()
    if "mixed" not in compared:
        print("this CPU has no bfloat16: mixed precision computes in full precision here")
    for name, architecture in NETWORKS.items():
        model = build(architecture, (3, 32, 32), 10, seed=0).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        speeds: dict[str, list[float]] = {side: [] for side in compared}
        for _ in range(asked.turns):
            for side, (allocate, precision) in compared.items():
                allocate()
                speeds[side].append(speed(model, precision, asked.seconds))
        medians = {side: statistics.median(values) for side, values in speeds.items()}
        first = next(iter(medians.values()))
        print(f"{name:22}" + "  ".join(f"{s} {v:,.0f}/s ({v / first:.2f} x)" for s, v in medians.items()))


if __name__ == "__main__":
    main()
