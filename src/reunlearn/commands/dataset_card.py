"""A dataset's card in words."""

from __future__ import annotations

from reunlearn.commands.printing import Row, joined
from reunlearn.storage.dvc_files import Content
from reunlearn.study.cards import DatasetCard

OF_FOLDER = "as your folder; `reunlearn plan` counts"
SHAPES = {"images": ("channels", "height", "width"), "text": ("longest length", "vocabulary")}


def facts(card: DatasetCard, lock: Content | None) -> Row:
    """Return a dataset's card in words; `lock`: what data.dvc says of its prepared files."""
    counts, fine = card.class_counts, card.fine_classes
    per_class = joined(counts) if counts else str(card.train // max(1, card.classes))
    words = {
        "what": card.summary,
        "modality": card.modality,
        "classes": f"{card.classes}: {joined(card.class_names)}",
        "sub-classes": f"{len(fine)}: {joined(fine)}" if fine else "none",
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
