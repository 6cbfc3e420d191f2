"""Prepared datasets on disk: plain arrays, the same bytes on every machine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.base.files import read_json, write_json
from reunlearn.data.npy import in_blocks, write_npy
from reunlearn.data.sets.registry import Arrays, DatasetCard

PARTS = ("train_x", "train_y", "test_x", "test_y")
FINE = ("train_fine", "test_fine")  # only where a dataset has sub-classes


@dataclass(frozen=True)
class Prepared:
    """A prepared dataset: arrays (memory-mapped) and the facts that training needs.

    shape is that of one image (channels, height, width), or of texts (longest length, size of the vocabulary).
    """

    arrays: Arrays
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fine_classes: tuple[str, ...] = ()


def write(folder: Path, card: DatasetCard, arrays: Arrays) -> None:
    """Check the arrays against the card and write those that are not in their place already."""
    check(card, arrays)
    mean, std = (card.mean, card.std) if card.mean or card.modality == "text" else measured(arrays.train_x)
    for name in PARTS + FINE:
        path, array = folder / f"{name}.npy", getattr(arrays, name)
        if array is not None and getattr(array, "filename", None) != path.resolve():
            write_npy(path, array.shape, array.dtype, in_blocks(array))
    facts: dict[str, Any] = {
        "name": card.name,
        "classes": list(card.classes),
        "mean": list(mean),
        "std": list(std),
    }
    if card.fine_classes:
        facts["fine_classes"] = list(card.fine_classes)
    if card.modality == "text":
        facts["shape"] = list(card.shape)
    write_json(folder / "card.json", facts)


def check(card: DatasetCard, arrays: Arrays) -> None:
    """Raise ValueError where shapes, types, counts or labels differ from the card."""
    text = card.modality == "text"
    shape, kind = (card.shape[:1], np.uint16) if text else (card.shape, np.uint8)
    for part, count in (("train", card.train), ("test", card.test)):
        where, x = f"{card.name} {part}", getattr(arrays, f"{part}_x")
        if x.shape != (count, *shape) or x.dtype != kind:
            wanted = f"{np.dtype(kind)} {(count, *shape)}"
            raise ValueError(
                f"{where}: {'texts' if text else 'images'} are {x.dtype} {x.shape}, not {wanted}"
            )
        if text and (largest := int(x.max())) >= card.shape[1]:
            raise ValueError(f"{where}: token {largest} is outside the vocabulary of {card.shape[1]}")
        _check_labels(where, getattr(arrays, f"{part}_y"), count, len(card.classes))
        fine = getattr(arrays, f"{part}_fine")
        if (fine is not None) != bool(card.fine_classes):
            raise ValueError(f"{where}: sub-class labels and the card's sub-classes do not go together")
        if fine is not None:
            _check_labels(f"{where} sub-classes", fine, count, len(card.fine_classes))
    classes = len(card.classes)
    counts, wanted_counts = (
        np.bincount(arrays.train_y),
        card.class_counts or (card.train // classes,) * classes,
    )
    if counts.tolist() != list(wanted_counts):
        raise ValueError(f"{card.name} train: {counts.tolist()} samples per class, not {list(wanted_counts)}")


def _check_labels(where: str, y: np.ndarray, count: int, classes: int) -> None:
    if y.shape != (count,) or y.dtype != np.int64:
        raise ValueError(f"{where}: labels are {y.dtype} {y.shape}, not int64 {(count,)}")
    if not np.array_equal(np.unique(y), np.arange(classes)):
        raise ValueError(f"{where}: some of the {classes} classes are missing, or there are other labels")


def measured(x_NCHW: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and std per channel of pixels scaled to [0, 1], four decimals, from exact integer sums.

    Raises:
        UserError: all pixels of a channel are the same.
    """
    total, squares = np.zeros(x_NCHW.shape[1], np.uint64), np.zeros(x_NCHW.shape[1], np.uint64)
    for block in in_blocks(x_NCHW):
        pixels = block.astype(np.uint64)
        total += pixels.sum((0, 2, 3))
        squares += (pixels * pixels).sum((0, 2, 3))
    count = math.prod(x_NCHW.shape) // x_NCHW.shape[1]
    mean = total / count / 255
    std = np.sqrt(np.maximum(squares / count / 255**2 - mean**2, 0))
    if std.min() < 1e-4:
        raise UserError("all training images are of one and the same colour; give images that differ")
    return tuple(np.round(mean, 4).tolist()), tuple(np.round(std, 4).tolist())


def size_of(card: DatasetCard) -> int:
    """Return how many bytes the arrays of a dataset take on disk."""
    sample = 2 * card.shape[0] if card.modality == "text" else math.prod(card.shape)
    return (card.train + card.test) * (sample + 8 + (8 if card.fine_classes else 0))


def read(folder: Path) -> Prepared:
    """Open a prepared dataset; its arrays are memory-mapped.

    Raises:
        UserError: a file is missing or cut short.
    """
    try:
        facts = read_json(folder / "card.json")
        fine_classes = tuple(facts.get("fine_classes", ()))
        names = PARTS + (FINE if fine_classes else ())
        parts = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in names}
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{folder}: not a whole prepared dataset ({error}); prepare it again") from None
    arrays = Arrays(**parts)
    shape = tuple(facts.get("shape", arrays.train_x.shape[1:]))
    return Prepared(
        arrays=arrays,
        classes=tuple(facts["classes"]),
        shape=shape,
        mean=tuple(facts["mean"]),
        std=tuple(facts["std"]),
        fine_classes=fine_classes,
    )
