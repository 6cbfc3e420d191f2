"""The grid of samples: which rows, which classes, which images stand where."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from reunlearn.measures.generation import png
from reunlearn.reporting.drawing.points import COLUMNS
from reunlearn.reporting.figures.generated_samples import CLASSES, EACH, draw
from reunlearn.reporting.rows import ORIGINAL, RETRAIN, RowKey

SALUN = RowKey("salun", "code")
SIDE = 6


def value_of(row: RowKey, asked: int, number: int, seed: int = 0) -> int:
    """Return the brightness of a sample: each has its own."""
    return 10 + 60 * (RETRAIN, ORIGINAL, SALUN).index(row) + 5 * (asked % 8) + number + 200 * seed


def data(classes: int, forgotten: tuple[int, ...], rows: tuple[RowKey, ...], images: int = 6) -> Any:
    """Return what the figure is made from; a second seed has other images."""
    lines = []
    for row in rows:
        for seed in (0, 1):
            for k in range(classes):
                for number in range(images):
                    image = np.full((1, SIDE, SIDE), min(255, value_of(row, k, number, seed)), dtype=np.uint8)
                    lines.append((*row, seed, seed, seed, k, number, png(image)))
    columns = [
        "method",
        "reading",
        "label",
        "train_seed",
        "split_seed",
        "method_seed",
        "asked",
        "number",
        "png",
    ]
    names = tuple(f"class {k}" for k in range(classes))
    return SimpleNamespace(
        tables={"pictures": pd.DataFrame(lines, columns=columns)},
        measures={"generation": None},
        by_row=dict.fromkeys((RETRAIN, ORIGINAL, SALUN)),
        experiment=SimpleNamespace(
            scenario=SimpleNamespace(classes=forgotten), dataset=SimpleNamespace(name="some")
        ),
        cards=SimpleNamespace(datasets={"some": SimpleNamespace(class_names=names)}),
    )


def panels(figure: Any) -> list[np.ndarray]:
    """Return the strips of images, a row each."""
    return [np.asarray(axes.get_images()[0].get_array())[..., 0] for axes in figure.axes]


def test_each_row_shows_its_first_seed_class_by_class() -> None:
    drawn = draw(data(3, (1,), (RETRAIN, ORIGINAL, SALUN)))
    assert not isinstance(drawn, str)
    strips = panels(drawn.figure)
    assert [axes.get_title(loc="left") for axes in drawn.figure.axes] == ["Retrain", "Original", "salun@code"]
    width = EACH * SIDE + 2
    for row, strip in zip((RETRAIN, ORIGINAL, SALUN), strips, strict=True):
        assert strip.shape == (SIDE, 3 * width)
        for k in range(3):
            for number in range(EACH):
                place = k * width + number * SIDE
                assert (strip[:, place : place + SIDE] == value_of(row, k, number)).all()
            assert (strip[:, k * width + EACH * SIDE : (k + 1) * width] == 255).all()


def test_the_forgotten_class_is_framed_and_classes_are_named() -> None:
    drawn = draw(data(3, (1,), (RETRAIN, ORIGINAL, SALUN)))
    assert not isinstance(drawn, str)
    frames = [[patch.get_x() for patch in axes.patches] for axes in drawn.figure.axes]
    assert frames == [[EACH * SIDE + 2 - 0.5]] * 3
    assert [text.get_text() for text in drawn.figure.axes[0].texts] == ["class 0", "class 1", "class 2"]


def test_of_many_classes_the_forgotten_ones_are_among_those_shown() -> None:
    drawn = draw(data(30, (27, 29), (RETRAIN, SALUN)))
    assert not isinstance(drawn, str)
    assert list(drawn.points) == COLUMNS
    shown = drawn.points[drawn.points["panel"] == "Retrain"]["x"].tolist()
    assert len(shown) == CLASSES and {27, 29} <= set(shown) and shown == sorted(shown)
    assert drawn.points["panel"].unique().tolist() == ["Retrain", "salun@code"], (
        "a row without samples is left out"
    )


def test_few_samples_are_shown_as_few() -> None:
    drawn = draw(data(2, (0,), (RETRAIN,), images=2))
    assert not isinstance(drawn, str) and drawn.caption.startswith("2 samples of each class")


def test_a_study_without_a_classifier_shows_no_samples() -> None:
    prompted = data(2, (0,), (RETRAIN,))
    assert not isinstance(draw(prompted), str), "control"
    prompted.measures = {"detection": None}
    assert draw(prompted) == ""


def test_nothing_is_said_in_a_sentence() -> None:
    empty = data(2, (0,), ())
    empty.tables["pictures"] = pd.DataFrame(columns=["method", "asked"])
    assert draw(empty) == "No samples: no run finished."
