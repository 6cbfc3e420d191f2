"""What the schedule and the seeded blocks cost an epoch of the quickstart: one run, one thread.

python benchmarks/overhead.py [--quick]
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from history import Row, options, publish
from sklearn.datasets import load_digits

from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.loop import train
from reunlearn.training.randomness import seeded
from reunlearn.training.schedules import schedule_over

IMAGES, BATCH = 150, 64  # an epoch of three steps, in which fixed costs weigh most


def fastest_epoch() -> float:
    """Return the seconds of the fastest epoch of a training."""
    bunch = load_digits()
    x = (bunch.images[:IMAGES, None] * 15).astype(np.uint8)
    samples = ImageSamples(x, bunch.target[:IMAGES], np.arange(IMAGES), (0.5,), (0.25,))
    model = build(ArchitectureSpec(name="small_cnn", settings={"width": 16}), (1, 8, 8), 10, 0)
    recipe = Recipe(epochs=30, batch_size=BATCH, learning_rate=0.1, schedule="cosine", schedule_per="step")
    times: list[float] = []

    def progress(numbers: dict[str, Any], epochs: int) -> None:
        times.append(time.perf_counter())

    train(model, samples, Classification(10), recipe, 0, progress=progress)
    return float(np.diff(times).min())


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = options(__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = schedule_over(optimizer, "cosine", 100_000)
    optimizer.step()

    def block() -> None:
        with seeded(0, "epoch", 3):
            pass

    step, fork = (min(timeit.repeat(f, number=200, repeat=20)) / 200 for f in (schedule.step, block))
    epoch = fastest_epoch()
    share = 100 * (3 * step + fork) / epoch
    details = {"epoch ms": 1e3 * epoch, "schedule step µs": 1e6 * step, "seeded block µs": 1e6 * fork}
    row = Row("a schedule per step, a seeded block per epoch", share, "% of the epoch", details=details)
    publish("overhead", [row], asked.quick)


if __name__ == "__main__":
    main()
