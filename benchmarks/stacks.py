"""Small networks side by side as one (training/engines/grouped.py) against one after the other, in one process.

One thread, as jobs have, CPU seconds. Whole epochs of the training loop; each network has its own seed, order and
augmentation. The sides take turns. benchmarks/shadows.py measures pools of shadow models with all that belongs to their
jobs.

    python benchmarks/stacks.py [--quick]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from history import Row, options, publish
from pictures import drawn, samples
from sklearn.datasets import load_digits
from torch import nn
from turns import cpu_seconds

from reunlearn.data.images import ImageSamples
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.allocator import keep_large_blocks
from reunlearn.training.engines.grouped import Grouped, groups_of
from reunlearn.training.loop import train, train_together

CLASSES, BATCH, MODELS, TURNS = 10, 64, 10, 3


@dataclass(frozen=True)
class Stack:
    """Networks of one kind, on the digits or on images of CIFAR-10's size, and the images of their epoch."""

    architecture: ArchitectureSpec
    images: int
    digits: bool

    def samples(self, images: int) -> ImageSamples:
        """Return the training set."""
        if not self.digits:
            return samples(*drawn(images))
        bunch = load_digits()
        x = (bunch.images[:images, None] * 15).astype(np.uint8)
        return ImageSamples(x, bunch.target[:images], np.arange(images), (0.5,), (0.25,))


STACKS = {
    "small CNN, digits": Stack(ArchitectureSpec(name="small_cnn"), 640, True),
    "small CNN width 8, CIFAR-10's size": Stack(
        ArchitectureSpec(name="small_cnn", settings={"width": 8}), 640, False
    ),
}


def networks(stack: Stack) -> list[nn.Module]:
    """Return fresh networks."""
    shape = (1, 8, 8) if stack.digits else (3, 32, 32)
    fresh = [build(stack.architecture, shape, CLASSES, seed) for seed in range(MODELS)]
    return [model.to(memory_format=torch.channels_last) for model in fresh]  # type: ignore[call-overload]


def compared(label: str, stack: Stack, *, images: int, turns: int) -> Row:
    """Return how many times as fast the groups that a job makes are."""
    content, objective = stack.samples(images), Classification(CLASSES)
    augmentation = () if stack.digits else ("crop", "flip")
    recipe = Recipe(epochs=1, batch_size=BATCH, learning_rate=0.05, augmentation=augmentation)
    models, seeds = networks(stack), range(MODELS)
    groups = groups_of(models, [content] * MODELS, recipe)
    if isinstance(groups, str):
        raise SystemExit(f"{label}: {groups}")

    def one_by_one() -> None:
        for model, seed in zip(models, seeds, strict=True):
            train(model, content, objective, recipe, seed)

    def together() -> None:
        for places in groups:
            chosen = [models[place] for place in places]
            train_together(chosen, [content] * len(places), objective, recipe, places, engine=Grouped)

    found = cpu_seconds({"one by one": one_by_one, "together": together}, turns)
    return Row(
        f"{label}: side by side against one by one",
        found.ratio("one by one", "together"),
        details={
            "models": MODELS,
            "at once": max(map(len, groups)),
            "model-images a CPU second": MODELS * images / found.median("together"),
        },
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    asked = options(__doc__).parse_args(arguments)
    torch.set_num_threads(1)
    keep_large_blocks()
    rows = [
        compared(
            label, stack, images=BATCH if asked.quick else stack.images, turns=1 if asked.quick else TURNS
        )
        for label, stack in STACKS.items()
    ]
    publish("stacks", rows, asked.quick)


if __name__ == "__main__":
    main()
