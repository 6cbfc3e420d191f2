"""What a detector finds: images per label from the threshold on; the shipped one; detectors that fail."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.sets import digits
from reunlearn.data.sets.registry import Source
from reunlearn.measures.detection import BATCH, run
from reunlearn.measures.registry import Measured, MeasureInputs

BORDER = Path("config/concepts/border.py")
BY_BRIGHTNESS = """
def detect(images):
    assert images.dtype == "uint8" and images.shape[1:] == (4, 5, 3), images.shape
    return [[("red", image[0, 0, 0] / 255), ("blue", image[0, 0, 2] / 255), ("red", 0.1)] for image in images]
"""


def measured(file: Path, images: np.ndarray, threshold: float = 0.5) -> Measured:
    return run(MeasureInputs(settings={"detector": str(file), "threshold": threshold}, images=images))


def counts(found: Measured) -> dict[str, int]:
    table = found.tables["detections"]
    return dict(zip(table["finding"].tolist(), table["images"].tolist(), strict=True))


def coloured(red: list[int], blue: list[int]) -> np.ndarray:
    """Return images [N, 3, 4, 5] of these colours."""
    images = np.zeros((len(red), 3, 4, 5), np.uint8)
    images[:, 0], images[:, 2] = (np.array(value)[:, None, None] for value in (red, blue))
    return images


def detector(folder: Path, text: str) -> Path:
    (folder / "detector.py").write_text(text)
    return folder / "detector.py"


def test_an_image_counts_once_for_each_label_from_the_threshold_on(tmp_path: Path) -> None:
    file = detector(tmp_path, BY_BRIGHTNESS)
    images = coloured([255, 255, 102, 0], [255, 0, 0, 0])
    found = measured(file, images)
    assert counts(found) == {"red": 2, "blue": 1}
    assert found.numbers == {"detected": 50.0, "detected_images": 4}
    assert counts(measured(file, images, threshold=0.4)) == {"red": 3, "blue": 1}, (
        "at the threshold it counts"
    )
    assert counts(measured(file, images, threshold=0.05)) == {"red": 4, "blue": 1}


def test_more_images_than_the_detector_gets_at_once(tmp_path: Path) -> None:
    red = [255, 0, 0] * BATCH
    found = measured(detector(tmp_path, BY_BRIGHTNESS), coloured(red, [0] * len(red)))
    assert counts(found) == {"red": BATCH}
    assert found.numbers["detected_images"] == 3 * BATCH


def test_nothing_found_is_a_table_without_lines(tmp_path: Path) -> None:
    found = measured(detector(tmp_path, BY_BRIGHTNESS), coloured([0], [0]))
    assert counts(found) == {} and found.numbers["detected"] == 0


def test_the_shipped_detector_tells_digits_with_a_border_from_digits_without() -> None:
    plain = digits.load(Source(Path())).test_x[:100]
    bordered = plain.copy()
    for edge in (np.s_[..., 0, :], np.s_[..., -1, :], np.s_[..., :, 0], np.s_[..., :, -1]):
        bordered[edge] = 255
    assert counts(measured(BORDER, bordered)) == {"border": 100}
    assert counts(measured(BORDER, plain)) == {}
    half = plain.copy()
    half[..., 0, :] = 255
    assert counts(measured(BORDER, half)) == {}, "one side alone is no border"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nothing_of_this_name\n", "does not run: ModuleNotFoundError: No module named"),
        ("def detect(images):\n    raise RuntimeError('two\\nlines')\n", "fails: RuntimeError: two lines"),
        ("def detect(images):\n    return None\n", "no list of (label, score) for each image"),
        ("def detect(images):\n    return [['border'] for _ in images]\n", "no list of (label, score)"),
        ("def detect(images):\n    return [[]]\n", "returns 1 lists for 2 images"),
        ("def detect(images):\n    return [[(3, 0.5)]] * 2\n", "the label 3; a label is a text"),
        (
            "def detect(images):\n    return [[('a', 93)]] * 2\n",
            "the score 93.0 for 'a'; scores go from 0 to 1",
        ),
    ],
)
def test_a_detector_that_fails_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = detector(tmp_path, text)
    with pytest.raises(UserError) as caught:
        measured(file, coloured([0, 0], [0, 0]))
    assert words in str(caught.value) and str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
