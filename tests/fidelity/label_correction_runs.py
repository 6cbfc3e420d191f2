"""Runs of the label corrections, with the clean labels and the points that they chose."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from .harness import Run, run
from .networks import CLASSES
from .references._samples import joined
from .sets import SIZES

FLIPPED = {"kind": "label_flip", "count": 4}


def clean_labels() -> Tensor:
    """Return the true labels of forget and retain by index; they differ from the taught ones now and then."""
    count = SIZES["forget"] + SIZES["retain"]
    return torch.randint(0, CLASSES, (count,), generator=torch.Generator().manual_seed(4))


def correction(method: str, kind: str, **settings: Any) -> Run:
    """Return a run of a label correction after flipped labels."""
    return run(method, kind, settings, scenario=FLIPPED, true_labels=clean_labels())


def training_data(ours: Run) -> tuple[Tensor, Tensor]:
    """Return forget and retain together, with their true labels."""
    x, _ = joined([ours.whole("forget"), ours.whole("retain")])
    return x, clean_labels()


def order_of_points(ours: Run, largest: int) -> list[int]:
    """Return the misclassified samples, more than `largest`, in the order in which they are drawn."""
    x, clean = training_data(ours)
    model = ours.original().eval()
    wrong = [i for i in range(len(clean)) if int(model(x[i : i + 1]).argmax()) != int(clean[i])]
    assert len(wrong) > largest
    return [wrong[i] for i in ours.draws("randperm")[0]]
