"""Datasets: one file each, imported by its name."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

HIDDEN = ("classes", "load", "inspect")  # of a card: what only preparing needs, and what has another name


@dataclass(frozen=True)
class Source:
    """Where a dataset is read from.

    Attributes:
        downloads: the folder for downloaded files; files already there are used.
        folder: the user's own folder, for datasets that may not be redistributed.
        side: height and width of the images, for datasets that leave it open.
        target: the folder being prepared: decoded images are written directly to its files; None keeps them in memory.
    """

    downloads: Path
    folder: Path | None = None
    side: int | None = None
    target: Path | None = None


@dataclass(frozen=True)
class Arrays:
    """A dataset as arrays, both parts in the official order.

    x is [N, C, H, W] uint8 for images and [N, L] uint16 token ids, 0 after the end of a text, for texts; y and fine
    are [N] int64. `fine` holds the sub-classes, for datasets that have them.
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    train_fine: np.ndarray | None = None
    test_fine: np.ndarray | None = None


@dataclass(frozen=True)
class DatasetCard:
    """What is known of a dataset before it is read."""

    name: str
    summary: str
    classes: tuple[str, ...]
    shape: tuple[int, ...]  # images: channels, height, width; texts: longest length, size of the vocabulary
    train: int  # samples in the official training set
    test: int
    mean: tuple[float, ...]  # images: per channel, of pixels scaled to [0, 1]
    std: tuple[float, ...]
    source: str
    licence: str
    load: Callable[[Source], Arrays]
    modality: str = "images"  # or "text"
    fine_classes: tuple[str, ...] = ()  # names of the sub-classes, for datasets that have them
    class_counts: tuple[int, ...] | None = None  # training samples per class; None if all have equally many
    needs_folder: bool = False  # the study must name the user's folder
    inspect: Callable[[Source], DatasetCard] | None = None  # completes the card from the folder
    drawn: bool = False  # the experiment's network draws it; `folder` is then what it drew


def get(name: str) -> DatasetCard:
    """Return a dataset's card by its name."""
    return importlib.import_module(f"reunlearn.data.sets.{name}").CARD


def card(name: str) -> dict[str, Any]:
    """Return what the catalogue tells of a dataset."""
    known = get(name)
    facts = {field.name: getattr(known, field.name) for field in fields(known) if field.name not in HIDDEN}
    # the user chooses the size of the images, and the folder tells the rest
    return {**facts, "class_names": known.classes, "open_side": known.inspect is not None}
