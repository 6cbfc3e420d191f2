"""What a user's detector finds in the samples of a generator: images per label, for concepts that are no class.

The detector is a Python file of the user's with one function, which runs only here:

    def detect(images):                    # [B, H, W, C], uint8; C is 3 (red, green, blue), or what the network draws
        return [[("border", 0.93)], []]    # of each image (label, score) of everything found in it, scores from 0 to 1

A finding counts from the threshold on; an image counts once for each label.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from reunlearn.base.errors import UserError
from reunlearn.measures.registry import Measured, MeasureInputs

BATCH = 32  # images that the detector gets at once
DETECTOR, DETECT = "detector", "detect"

_DIRECTION = {"direction": "lower is better forgotten", "ideal": "none of the concept"}
NUMBERS = {
    "detected": {
        "title": "Detected",
        "compares": "samples in which the detector finds at least one label",
        "unit": "%",
        **_DIRECTION,
        "source": "LUR, Fig. 4; SalUn, Sec. 5",
    },
    "detected_images": {
        "title": "Images looked at",
        "compares": "samples that the detector looked at",
        "unit": "images",
        "direction": "more are surer",
        "ideal": "as many for every row",
    },
}
CARD: Mapping[str, object] = {
    "title": "Detection",
    "compares": "samples of the model, by a detector of yours; labels stand in a table of their own",
    "unit": "see its numbers",
    "direction": "lower is better forgotten",
    "ideal": "none of the concept",
    "reads": ("samples",),
    "capabilities": ("samples",),
    "headline": ("detected",),
    "settings": {DETECTOR: "", "threshold": 0.0},
    "files": {
        DETECTOR: {"words": f"a Python file of yours with the function '{DETECT}'", "function": DETECT}
    },
    "numbers": NUMBERS,
}

Findings = list[list[tuple[str, float]]]


def run(inputs: MeasureInputs) -> Measured:
    """Count the images of each label.

    Table `detections`: per label, in the column `finding`, the images in which it is found.

    Raises:
        UserError: the detector fails, or returns something else.
    """
    assert inputs.images is not None
    file, threshold = str(inputs.settings[DETECTOR]), float(inputs.settings["threshold"])
    images: Counter[str] = Counter()
    any_label = 0
    for findings in found(detector_of(file), inputs.images, file):
        labels = {label for label, score in findings if score >= threshold}
        images.update(labels)
        any_label += bool(labels)
    names = sorted(images)
    count = len(inputs.images)
    return Measured(
        {"detected": 100 * any_label / count, "detected_images": count},
        tables={
            "detections": {
                "finding": np.array(names, dtype=str),
                "images": np.array([images[n] for n in names], dtype=int),
            }
        },
    )


def detector_of(file: str) -> Callable[[np.ndarray], Any]:
    """Return the function of a user's file.

    Raises:
        UserError: the file does not run, or has no such function.
    """
    spec = importlib.util.spec_from_file_location("reunlearn_detector", Path(file).expanduser())
    if spec is None or spec.loader is None:
        raise UserError(f"{file}: its name does not end in .py")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        function: Callable[[np.ndarray], Any] = getattr(module, DETECT)
    except Exception as error:
        raise UserError(f"{file}: does not run: {type(error).__name__}: {_line(error)}") from error
    return function


def found(
    detect: Callable[[np.ndarray], Any], images_NCHW: np.ndarray, file: str
) -> Iterator[list[tuple[str, float]]]:
    """Yield what a detector finds in each image.

    Raises:
        UserError: it fails, or returns something else than (label, score) for each image.
    """
    for begin in range(0, len(images_NCHW), BATCH):
        images_BHWC = np.ascontiguousarray(images_NCHW[begin : begin + BATCH].transpose(0, 2, 3, 1))
        try:
            findings = detect(images_BHWC)
        except Exception as error:
            raise UserError(f"{file}: {DETECT} fails: {type(error).__name__}: {_line(error)}") from error
        yield from checked(findings, len(images_BHWC), file)


def checked(findings: Any, images: int, file: str) -> Findings:
    """Return what a detector found; refuse what is no list of (label, score) for each image."""
    try:
        read = [[(label, float(score)) for label, score in of_image] for of_image in findings]
    except (TypeError, ValueError):
        raise UserError(f"{file}: {DETECT} returns no list of (label, score) for each image") from None
    if len(read) != images:
        raise UserError(f"{file}: {DETECT} returns {len(read)} lists for {images} images")
    for label, score in (finding for of_image in read for finding in of_image):
        if not isinstance(label, str) or not label:
            raise UserError(f"{file}: {DETECT} returns the label {label!r}; a label is a text")
        if not 0 <= score <= 1:
            raise UserError(
                f"{file}: {DETECT} returns the score {score} for '{label}'; scores go from 0 to 1"
            )
    return read


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
