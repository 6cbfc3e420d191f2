"""A dataset's card in words."""

from __future__ import annotations

from typing import Any


def facts(card: dict[str, Any], lock: dict[str, Any] | None) -> dict[str, str]:
    """Return a dataset's card in words."""
    text, counts, fine = card["objective"] == "text", card["class_counts"], card["fine_classes"]
    per_class = ", ".join(map(str, counts)) if counts else str(card["train"] // max(1, card["classes"]))
    numbers = ("longest length", "vocabulary") if text else ("channels", "height", "width")
    told = {
        "what": card["summary"],
        "classes": f"{card['classes']}: {', '.join(card['class_names'])}",
        "sub-classes": f"{len(fine)}: {', '.join(fine)}" if fine else "none",
        "training samples": f"{card['train']}, per class {per_class}",
        "test samples": card["test"],
        "shape": ", ".join(f"{what} {number}" for what, number in zip(numbers, card["shape"], strict=True)),
        "normalisation": f"mean {card['mean']}, std {card['std']} of pixels in [0, 1]",
        "source": card["source"],
        "licence": card["licence"],
        "needs": "your own folder" if card["needs_folder"] else "nothing of yours",
        "lock": "none in data.dvc",
    }
    if lock:
        told["lock"] = f"{lock['md5']}, {lock['nfiles']} files, {lock['size']} bytes"
    if text:
        told["normalisation"] = "none: token ids"
    if card["open_side"]:
        open_ = "as your folder; `reunlearn plan` counts"
        told |= dict.fromkeys(("classes", "training samples", "test samples"), open_)
        told["shape"] = "channels 3, height and width as the study's 'side'"
        told["normalisation"] = "mean and std of the training pixels, measured when it is prepared"
    return {key: str(value) for key, value in told.items()}
