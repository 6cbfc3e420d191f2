"""What a method is given while it runs, noted down: batches, drawn labels and random draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from reunlearn.data.batches import Batch
from reunlearn.data.images import ImageSamples
from reunlearn.objectives.classification import Classification

from .networks import CLASSES


@dataclass(frozen=True)
class Drawn:
    """A batch that a method was handed."""

    set: str
    x: Tensor
    y: Tensor
    index: Tensor  # unique over all sets: 0 … of forget, then retain, then validation
    augmented: bool


class RecordedImages(ImageSamples):
    """Float64 images that note each batch handed out in `notes`, under their set's `name`."""

    name = ""
    notes: list[Drawn]

    def inputs(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Tensor:
        return super().inputs(rows, generator).double().contiguous()

    def take(self, rows: Tensor | slice, generator: torch.Generator | None = None) -> Batch:
        batch = super().take(rows, generator)
        copies = (batch.x.clone(), batch.y.clone(), batch.index.clone())
        self.notes.append(Drawn(self.name, *copies, generator is not None))
        return batch


class RecordedClassification(Classification):
    """Cross-entropy that notes the labels it draws: (rule, index [B], labels [B])."""

    def __init__(self, notes: list[tuple[str, Tensor, Tensor]]) -> None:
        super().__init__(CLASSES)
        self.notes = notes

    def forget_target(self, batch: Batch, kind: str, generator: torch.Generator) -> Tensor:
        labels = super().forget_target(batch, kind, generator)
        self.notes.append((kind, batch.index.clone(), labels.clone()))
        return labels


@contextmanager
def draws_recorded(notes: list[tuple[str, Tensor]]) -> Iterator[None]:
    """Note what torch draws from an explicit generator: (name of the function, what it drew)."""
    places: list[tuple[Any, str]] = [(torch, n) for n in ("randn", "rand", "randint", "randperm")]
    places += [(torch.Tensor, n) for n in ("normal_", "uniform_")]
    originals = [(place, name, getattr(place, name)) for place, name in places]

    def wrapped(name: str, function: Any) -> Any:
        def call(*args: Any, **options: Any) -> Tensor:
            result = function(*args, **options)
            if options.get("generator") is not None:
                notes.append((name, result.detach().clone()))
            return result

        return call

    try:
        for place, name, function in originals:
            setattr(place, name, wrapped(name, function))
        yield
    finally:
        for place, name, function in originals:
            setattr(place, name, function)
