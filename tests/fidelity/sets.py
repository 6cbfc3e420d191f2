"""The small sets of all comparisons, and originals that have learned from them."""

from __future__ import annotations

import copy
import functools
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from reunlearn.data.augmentation import Augmentation

from .networks import CLASSES, NETS, fresh_network
from .recording import Drawn, RecordedImages

SIZES = {"forget": 6, "retain": 11, "validation": 9}
MEAN, STD = 0.4, 0.3  # of every channel

Sizes = dict[str, int] | None
Labels = dict[str, Any] | None


def make_sets(
    kind: str, notes: list[Drawn], sizes: Sizes = None, labels: Labels = None
) -> dict[str, RecordedImages]:
    """Return forget, retain and validation: random images whose brightness tells a little of their class.

    Args:
        kind: network that they are for.
        notes: takes note of every batch.
        sizes: other sizes than SIZES, by set.
        labels: the labels of a set; without them every class occurs.
    """
    rng, sets, first = np.random.default_rng(3), {}, 0
    for name, usual in SIZES.items():
        size = (sizes or {}).get(name, usual)
        y = np.asarray((labels or {}).get(name, rng.permutation(np.arange(size) % CLASSES)))
        shape = NETS[kind].inputs
        x = rng.integers(0, 180, (len(y), *shape)) + 30 * y[:, None, None, None]
        index = np.arange(first, first + len(y))
        mean, std = (MEAN,) * shape[0], (STD,) * shape[0]
        images = RecordedImages(x.astype(np.uint8), y, index, mean, std, augmentation=Augmentation(("flip",)))
        images.name, images.notes = name, notes
        sets[name], first = images, first + len(y)
    return sets


def training_set(kind: str, notes: list[Drawn], sizes: Sizes = None, labels: Labels = None) -> RecordedImages:
    """Return forget and retain as one set, which notes its batches."""
    sets = make_sets(kind, notes, sizes, labels)
    whole = copy.copy(sets["retain"])
    for field in ("x_NHWC", "y", "index"):
        setattr(whole, field, torch.cat([getattr(sets[name], field) for name in ("forget", "retain")]))
    return whole


def fitted(kind: str, sizes: Sizes = None, labels: Labels = None, steps: int = 40) -> nn.Module:
    """Return a network that was taught forget and retain for some steps; the validation set is new to it.

    An untrained network has no conflict between the two and nothing to forget.
    """
    key = tuple((name, tuple(values)) for name, values in (labels or {}).items())
    return copy.deepcopy(_fitted(kind, tuple((sizes or {}).items()), key, steps))


@functools.cache
def _fitted(kind: str, sizes: tuple[Any, ...], labels: tuple[Any, ...], steps: int) -> nn.Module:
    """Return the network of `fitted`, which each caller copies: many comparisons begin with the same one."""
    model, whole = fresh_network(kind), training_set(kind, [], dict(sizes), dict(labels)).take(slice(None))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        functional.cross_entropy(model(whole.x), whole.y).backward()
        optimizer.step()
    return model
