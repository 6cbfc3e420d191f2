"""Prepared datasets on disk: plain arrays, the same bytes on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reunlearn.data.sets.registry import Arrays, DatasetCard
from reunlearn.records.files import read_json, replacing, write_json
from reunlearn.study.errors import UserError

PARTS = ("train_x", "train_y", "test_x", "test_y")


@dataclass(frozen=True)
class Prepared:
    """A prepared dataset: arrays (memory-mapped) and the facts that training needs."""

    arrays: Arrays
    classes: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def write(folder: Path, card: DatasetCard, arrays: Arrays) -> None:
    """Check the arrays against the card and write them."""
    check(card, arrays)
    for name in PARTS:
        with replacing(folder / f"{name}.npy") as partial, partial.open("wb") as handle:
            np.save(handle, np.ascontiguousarray(getattr(arrays, name)), allow_pickle=False)
    facts = {"name": card.name, "classes": list(card.classes), "mean": list(card.mean), "std": list(card.std)}
    write_json(folder / "card.json", facts)


def check(card: DatasetCard, arrays: Arrays) -> None:
    """Raise ValueError when shapes, types, counts or labels are not what the card says."""
    for part, count in (("train", card.train), ("test", card.test)):
        x, y = getattr(arrays, f"{part}_x"), getattr(arrays, f"{part}_y")
        if x.shape != (count, *card.shape) or x.dtype != np.uint8:
            wanted = f"uint8 {(count, *card.shape)}"
            raise ValueError(f"{card.name} {part}: images are {x.dtype} {x.shape}, not {wanted}")
        if y.shape != (count,) or y.dtype != np.int64:
            raise ValueError(f"{card.name} {part}: labels are {y.dtype} {y.shape}, not int64 {(count,)}")
        if sorted(set(y.tolist())) != list(range(len(card.classes))):
            raise ValueError(f"{card.name} {part}: some of the {len(card.classes)} classes are missing")


def read(folder: Path) -> Prepared:
    """Open a prepared dataset without reading it all.

    Raises:
        UserError: a file is missing or cut short.
    """
    try:
        facts = read_json(folder / "card.json")
        parts = {name: np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in PARTS}
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{folder}: not a whole prepared dataset ({error}); prepare it again") from None
    return Prepared(Arrays(**parts), tuple(facts["classes"]), tuple(facts["mean"]), tuple(facts["std"]))
