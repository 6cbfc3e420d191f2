"""Seconds of one training epoch: our batches against torchvision's per-image transforms and a DataLoader.

Real CIFAR-10 images, the same network with the same initial weights, the same recipe (SGD, crop and flip), the
same cores. All sides take turns in one run; a ratio is the median over the turns, against the number of DataLoader
workers that suits the baseline best. One more line tells how much of the gain is the order of the pixels in memory
alone (batches of the DataLoader, put channels last).

    REUNLEARN_DATA_MIRROR=… python benchmarks/epoch.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from reunlearn.base.caches import state_dir
from reunlearn.data.augmentation import Augmentation
from reunlearn.data.images import ImageSamples
from reunlearn.data.sets import cifar10
from reunlearn.data.sets.registry import Source
from reunlearn.data.torchvision_compat import transforms
from reunlearn.models.registry import build
from reunlearn.study.specs import ArchitectureSpec

AUGMENTATION = Augmentation(("crop", "flip"))
WORKERS = (0, 1, 2)
BATCH = 128
OURS = "data/batches.py"

Epoch = Callable[[], Iterable[tuple[Tensor, Tensor]]]


def narrow_resnet() -> nn.Module:
    """Return the project's ResNet-18, width 16."""
    return build(ArchitectureSpec(name="resnet18", settings={"width": 16}), cifar10.CARD.shape, 10, seed=0)


def three_convolutions() -> nn.Module:
    """Return three 3×3 convolutions of stride 2 with 16, 32 and 64 channels, mean pooling, a linear layer."""
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


NETWORKS = {"ResNet-18, width 16": (narrow_resnet, 1.4), "three convolutions": (three_convolutions, 2.3)}


class PerImage(Dataset):
    """CIFAR-10 as torchvision serves it: a PIL image per sample, transformed one by one."""

    def __init__(self, x_NCHW: np.ndarray, y_N: np.ndarray) -> None:
        self.x_NHWC, self.y_N = np.ascontiguousarray(x_NCHW.transpose(0, 2, 3, 1)), y_N.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(cifar10.CARD.mean, cifar10.CARD.std),
            ]
        )

    def __len__(self) -> int:
        return len(self.y_N)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.x_NHWC[row])), self.y_N[row]


def sides(x_NCHW: np.ndarray, y_N: np.ndarray) -> dict[str, Epoch]:
    """Return one epoch of batches, by the name of who makes them."""
    card, rows = cifar10.CARD, np.arange(len(y_N))
    samples = ImageSamples(x_NCHW, y_N, rows, card.mean, card.std, augmentation=AUGMENTATION)
    generator = torch.Generator().manual_seed(0)

    def ours() -> Iterable[tuple[Tensor, Tensor]]:
        return ((b.x, b.y) for b in samples.batches(BATCH, generator, shuffle=True, augmented=True))

    def loader(workers: int) -> Epoch:
        content = PerImage(x_NCHW, y_N)
        made = DataLoader(content, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
        return lambda: iter(made)

    def channels_last(epoch: Epoch) -> Epoch:
        return lambda: ((x.contiguous(memory_format=torch.channels_last), y) for x, y in epoch())

    found: dict[str, Epoch] = {OURS: ours}
    found |= {f"DataLoader, {n} workers": loader(n) for n in WORKERS}
    return found | {"DataLoader, 0 workers, channels last": channels_last(loader(0))}


def train_epoch(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> float:
    """Train one epoch; return its seconds."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    begin = time.perf_counter()
    for x, y in batches:
        loss = functional.cross_entropy(model(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return time.perf_counter() - begin


def measure(
    network: Callable[[], nn.Module], epochs: dict[str, Epoch], repetitions: int
) -> dict[str, list[float]]:
    """Return the seconds of each side's epochs; the first turn warms up and is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for turn in range(repetitions + 1):
        for name, epoch in epochs.items():
            torch.manual_seed(0)
            layout = (
                torch.channels_last if name == OURS else torch.contiguous_format
            )  # ours trains channels last
            spent = train_epoch(network().train().to(memory_format=layout), epoch())
            if turn:
                seconds[name].append(spent)
    return seconds


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Our batches against torchvision's, one training epoch")
    parser.add_argument("--images", type=int, default=2560)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    arrays = cifar10.load(Source(Path(state_dir()) / "downloads"))
    epochs = sides(arrays.train_x[: options.images], arrays.train_y[: options.images])
    print(f"{options.images} images, {options.threads} threads, median of {options.repetitions} turns")
    for label, (network, target) in NETWORKS.items():
        seconds = measure(network, epochs, options.repetitions)
        print(f"\n{label}")
        ratios = {}
        for name, spent in seconds.items():
            ratios[name] = statistics.median(s / o for s, o in zip(spent, seconds[OURS], strict=True))
            speed = options.images / statistics.median(spent)
            print(f"  {name:<38} {speed:7.0f} images/s   takes {ratios[name]:.2f} times as long as ours")
        best = min(ratios[f"DataLoader, {n} workers"] for n in WORKERS)
        fastest = min(min(seconds[f"DataLoader, {n} workers"]) for n in WORKERS) / min(seconds[OURS])
        print(f"  ratio to the best baseline: {best:.2f} (wanted: at least {target})")
        print(f"  ratio of the fastest epochs, which other work on the machine disturbs least: {fastest:.2f}")


if __name__ == "__main__":
    main()
