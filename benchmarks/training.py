"""Training against a typical peer's loop: images per second, and test accuracy after the same epochs.

The same network, initial weights, recipe, images and cores. Ours: what a job runs, in mixed precision where the CPU has
bfloat16, and in full precision. The peer: peer.py, with the number of DataLoader workers that suits it best. Each side
is a process of its own; the sides take turns. Accuracy is that of whole trainings on real CIFAR-10 images.

With `--threads 1` nothing but one core's work is compared: CPU seconds, no workers.

    REUNLEARN_DATA_MIRROR=… python benchmarks/training.py [--quick]
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import peer
import torch
from apart import Apart
from history import Row, options, publish
from machine import cores
from pictures import CARD, CLASSES, drawn, real, samples
from torch import nn
from turns import Side, clock_of, in_turn, timed

from reunlearn.measures._logits import logits
from reunlearn.metrics.classification import accuracy
from reunlearn.models.registry import build
from reunlearn.objectives.classification import Classification
from reunlearn.study.recipes import Recipe
from reunlearn.study.specs import ArchitectureSpec
from reunlearn.training.device import prepare_torch
from reunlearn.training.loop import train
from reunlearn.training.precision import in_use

WORKERS = (0, 1, 2)
BATCH = 128
TURNS = 3


@dataclass(frozen=True)
class Compared:
    """A network, the batches of a timed epoch, and the ratios wanted in mixed and in full precision."""

    architecture: ArchitectureSpec
    batches: int
    mixed: float
    full: float


NETWORKS = {
    "ResNet-18 width 16": Compared(ArchitectureSpec(name="resnet18", settings={"width": 16}), 12, 2.2, 1.4),
    "ResNet-18 width 64": Compared(ArchitectureSpec(name="resnet18"), 2, 2.1, 1.3),
    "SmallVGG": Compared(ArchitectureSpec(name="small_vgg"), 6, 2.2, 1.2),
    "AllCNN": Compared(ArchitectureSpec(name="all_cnn"), 3, 2.2, 1.2),
    "small CNN, three layers": Compared(ArchitectureSpec(name="small_cnn"), 60, 3.0, 3.0),
}
TRAINED = {"ResNet-18 width 16": 1, "small CNN, three layers": 3}  # to their end, with so many seeds
IMAGES, TEST, EPOCHS = 10_000, 5_000, 4  # of these


@dataclass(frozen=True)
class Asked:
    """One training: of which network, by which recipe, on which images, from which seed.

    Without test images, the training images are drawn ones; `workers` are the peer's.
    """

    network: str
    recipe: Recipe
    images: int
    test: int = 0
    seed: int = 0
    workers: int = 0

    def data(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return training images and labels, test images and labels."""
        if not self.test:
            return *drawn(self.images), *drawn(1)
        arrays = real(self.images, self.test)
        return arrays.train_x, arrays.train_y, arrays.test_x, arrays.test_y


Trained = tuple[float, float]  # seconds of training; test accuracy in per cent, NaN without test images


def recipe(epochs: int, precision: str = "full", batch: int = BATCH) -> Recipe:
    """Return how both sides train."""
    return Recipe(
        epochs=epochs,
        batch_size=batch,
        learning_rate=0.05,
        weight_decay=5e-4,
        schedule="cosine",
        augmentation=("crop", "flip"),
        precision=precision,
    )


def our_side(threads: int) -> Callable[[Asked], Trained]:
    """Return our side, in the process that it has for itself."""
    os.environ["REUNLEARN_DEVICE"] = "cpu"
    prepare_torch(threads)
    clock = clock_of(threads)

    def trained(asked: Asked) -> Trained:
        x_NCHW, y_N, *test = asked.data()
        content, seed, objective = samples(x_NCHW, y_N), asked.seed, Classification(CLASSES)
        model = build(NETWORKS[asked.network].architecture, CARD.shape, CLASSES, seed)
        model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        seconds = timed(lambda: train(model, content, objective, asked.recipe, seed), clock)()
        return seconds, tested(model, test, asked)

    return trained


def peers_side(threads: int) -> Callable[[Asked], Trained]:
    """Return the peer's side, in the process that it has for itself."""
    torch.set_num_threads(threads)
    clock = clock_of(threads)
    loaders = {}  # with workers that live on, as in one long training

    def trained(asked: Asked) -> Trained:
        x_NCHW, y_N, *test = asked.data()
        key = (asked.images, asked.test, asked.workers)
        if key not in loaders:
            loaders[key] = peer.loader(x_NCHW, y_N, asked.recipe.batch_size, asked.workers)
        torch.manual_seed(asked.seed)
        model = build(NETWORKS[asked.network].architecture, CARD.shape, CLASSES, asked.seed)
        seconds = timed(lambda: peer.train(model, loaders[key], asked.recipe), clock)()
        return seconds, tested(model, test, asked)

    return trained


def tested(model: nn.Module, test: Sequence[np.ndarray], asked: Asked) -> float:
    """Return the test accuracy in per cent; NaN without test images."""
    x_NCHW, y_N = test
    if not asked.test:
        return float("nan")
    return accuracy(logits(model, samples(x_NCHW, y_N), Classification(CLASSES)), y_N)


def speeds(
    label: str, own: Apart, other: Apart, *, workers: Sequence[int], batches: int, size: int, turns: int
) -> list[Row]:
    """Return the ratios of one network, one epoch each turn."""
    compared, images = NETWORKS[label], size * batches

    def side(process: Apart, precision: str = "full", with_workers: int = 0) -> Side:
        asked = Asked(label, recipe(1, precision, size), images, workers=with_workers)
        return lambda: process(asked)[0]

    trials = {f"{n}": side(other, with_workers=n) for n in workers}
    best = min(trials, key=in_turn(trials, 1).median) if len(trials) > 1 else next(iter(trials))
    precisions = list(dict.fromkeys(("full", in_use("mixed", "cpu"))))
    found = in_turn({**{p: side(own, p) for p in precisions}, "peer": trials[best]}, turns)
    rate = {name: images / found.median(name) for name in found.spent}
    return [
        Row(
            f"{label}, {'bfloat16' if precision == 'mixed' else 'full precision'}",
            found.ratio("peer", precision),
            wanted=compared.mixed if precision == "mixed" else compared.full,
            details={"ours images/s": rate[precision], "peer images/s": rate["peer"], "workers": best},
        )
        for precision in precisions
    ]


def accuracies(
    label: str, own: Apart, other: Apart, *, seeds: int, images: int, test: int, epochs: int
) -> Row:
    """Return by how much our test accuracy after the same epochs is higher, the mean over seeds."""
    precision = in_use("mixed", "cpu")
    ours, theirs = (
        [process(Asked(label, recipe(epochs, p), images, test, seed, workers=1))[1] for seed in range(seeds)]
        for process, p in ((own, precision), (other, "full"))
    )
    mean, their_mean = statistics.mean(ours), statistics.mean(theirs)
    sizes = {"epochs": epochs, "images": images, "seeds": seeds}
    details = {"ours %": mean, "peer %": their_mean, "our precision": precision, **sizes}
    return Row(f"{label}: test accuracy above the peer's", mean - their_mean, unit="points", details=details)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = options(__doc__)
    parser.add_argument("--threads", type=int, default=cores())
    parser.add_argument("--networks", nargs="*", choices=NETWORKS, default=list(NETWORKS))
    parser.add_argument(
        "--trained", nargs="*", default=list(TRAINED), help="those to be trained to their end"
    )
    asked = parser.parse_args(arguments)
    quick = asked.quick
    torch.set_num_threads(asked.threads)
    workers = WORKERS if asked.threads > 1 else (0,)
    rows = []
    with Apart(our_side, asked.threads) as own, Apart(peers_side, asked.threads) as other:
        for label in asked.networks:
            sizes = {"batches": NETWORKS[label].batches, "size": BATCH, "turns": TURNS}
            tiny = {"batches": 2, "size": 32, "turns": 1}
            rows += speeds(label, own, other, workers=workers, **(tiny if quick else sizes))
        for label in asked.trained:
            sizes = {"seeds": TRAINED[label], "images": IMAGES, "test": TEST, "epochs": EPOCHS}
            tiny = {"seeds": 1, "images": 640, "test": 200, "epochs": 1}
            rows.append(accuracies(label, own, other, **(tiny if quick else sizes)))
    publish("training", rows, quick)


if __name__ == "__main__":
    main()
