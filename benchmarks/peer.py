"""The loop that released code of unlearning papers trains and evaluates with, written anew: the side to compare with.

torchvision's transforms of one Pillow image at a time, a DataLoader, full precision, a loss read back in every step.
"""

from __future__ import annotations

import numpy as np
import torch
from pictures import CARD
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from reunlearn.data.torchvision_compat import transforms
from reunlearn.study.recipes import Recipe

NORMALISED = (transforms.ToTensor(), transforms.Normalize(CARD.mean, CARD.std))
AUGMENTED = (transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip())


class PerImage(Dataset[tuple[Tensor, int]]):
    """CIFAR-10 as torchvision serves it: a Pillow image per sample, transformed one by one."""

    def __init__(self, x_NCHW: np.ndarray, y_N: np.ndarray, augmented: bool) -> None:
        self.x_NHWC, self.y_N = np.ascontiguousarray(x_NCHW.transpose(0, 2, 3, 1)), y_N.tolist()
        self.transform = transforms.Compose([*(AUGMENTED if augmented else ()), *NORMALISED])

    def __len__(self) -> int:
        return len(self.y_N)

    def __getitem__(self, row: int) -> tuple[Tensor, int]:
        return self.transform(Image.fromarray(self.x_NHWC[row])), self.y_N[row]


def loader(x_NCHW: np.ndarray, y_N: np.ndarray, batch: int, workers: int) -> DataLoader[tuple[Tensor, int]]:
    """Return the loader of augmented training batches."""
    content = PerImage(x_NCHW, y_N, augmented=True)
    return DataLoader(content, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def train(model: nn.Module, batches: DataLoader[tuple[Tensor, int]], recipe: Recipe) -> list[float]:
    """Train by a recipe of SGD and a cosine schedule; return the loss of each epoch."""
    model.train()
    optimizer = torch.optim.SGD(
        model.parameters(), recipe.learning_rate, momentum=recipe.momentum, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.epochs)
    losses = []
    for _ in range(recipe.epochs):
        total = 0.0
        for x, y in batches:
            loss = functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(y)
        schedule.step()
        losses.append(total / len(batches.dataset))  # type: ignore[arg-type]
    return losses


def right(model: nn.Module, x_NCHW: Tensor, y_N: Tensor, size: int) -> float:
    """Return the share of normalised images that the network labels right, in per cent."""
    model.eval()
    count = 0
    with torch.no_grad():
        for x, y in zip(x_NCHW.split(size), y_N.split(size), strict=True):
            count += (model(x).argmax(dim=1) == y).sum().item()
    return 100.0 * count / len(y_N)


def normalised(x_NCHW: np.ndarray) -> Tensor:
    """Return images as the network gets them, all at once."""
    mean, std = (torch.tensor(values).view(1, -1, 1, 1) for values in (CARD.mean, CARD.std))
    return (torch.from_numpy(np.array(x_NCHW)).float() / 255 - mean) / std
