"""A dataset's card in words."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from reunlearn.commands.printing import Row, joined
from reunlearn.storage.dvc_files import Content
from reunlearn.study.cards import DatasetCard

OF_FOLDER = "as your folder; `reunlearn plan` counts"
SHAPES = {"images": ("channels", "height", "width"), "text": ("longest length", "vocabulary")}


@dataclass(frozen=True)
class SubClass:
    """A sub-class: its number and its name."""

    number: int
    name: str


@dataclass(frozen=True)
class ClassLine:
    """A class: its number and its name, and its sub-classes where the dataset has some."""

    number: int
    name: str
    sub_classes: tuple[SubClass, ...]


def classes(card: DatasetCard) -> list[ClassLine]:
    """Return the classes of a dataset; none where only the user's folder can tell."""
    module = importlib.import_module(f"reunlearn.data.sets.{card.name}")
    over = getattr(module, "SUPER_CLASSES", ())
    fine = [SubClass(number, name) for number, name in enumerate(card.fine_classes)]
    return [
        ClassLine(number, name, tuple(sub for sub, of in zip(fine, over, strict=True) if of == number))
        for number, name in enumerate(card.class_names)
    ]


def class_rows(card: DatasetCard) -> list[Row]:
    """Return the table of classes that have sub-classes; empty where there are none."""
    if not card.fine_classes:
        return []
    return [
        {
            "number": str(line.number),
            "class": line.name,
            "sub-classes": joined([f"{sub.number} {sub.name}" for sub in line.sub_classes]),
        }
        for line in classes(card)
    ]


def _named(names: tuple[str, ...]) -> str:
    """Return names with their numbers; a name that is its number stands once."""
    return joined([name if name == str(n) else f"{n} {name}" for n, name in enumerate(names)])


def facts(card: DatasetCard, lock: Content | None) -> Row:
    """Return a dataset's card in words; `lock`: what data.dvc says of its prepared files."""
    counts, fine = card.class_counts, card.fine_classes
    per_class = joined(counts) if counts else str(card.train // max(1, card.classes))
    words = {
        "what": card.summary,
        "modality": card.modality,
        "classes": f"{card.classes}, listed below" if fine else f"{card.classes}: {_named(card.class_names)}",
        "sub-classes": f"{len(fine)}, listed below" if fine else "none",
        "training samples": f"{card.train}, per class {per_class}",
        "test samples": str(card.test),
        "shape": joined([f"{n} {size}" for n, size in zip(SHAPES[card.modality], card.shape, strict=True)]),
        "normalisation": _normalisation(card),
        "source": card.source,
        "licence": card.licence,
        "needs": "your own folder" if card.needs_folder else "nothing of yours",
        "lock": "none in data.dvc",
    }
    if lock:
        words["lock"] = f"{lock['md5']}, {lock['nfiles']} files, {lock['size']} bytes"
    if card.open_side:
        words |= dict.fromkeys(("classes", "training samples", "test samples"), OF_FOLDER)
        words["shape"] = "channels 3, height and width as the study's 'side'"
    return words


def _normalisation(card: DatasetCard) -> str:
    if card.modality == "text":
        return "none: token ids"
    if card.open_side:
        return "mean and std of the training pixels, measured when it is prepared"
    return f"mean ({joined(card.mean)}), std ({joined(card.std)}) of pixels in [0, 1]"
