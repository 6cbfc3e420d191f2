"""What a network drew becomes a dataset: every fifth image of each class is for the test."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.files import write_json
from reunlearn.data.prepared import check, read, write
from reunlearn.data.sets import drawn
from reunlearn.data.sets.registry import Source


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Seven images of each of two prompts; an image is as bright as its number."""
    images = np.arange(14, dtype=np.uint8).reshape(14, 1, 1, 1) * np.ones((1, 3, 4, 4), np.uint8)
    np.save(tmp_path / drawn.IMAGES, images)
    np.save(tmp_path / drawn.LABELS, np.repeat([0, 1], 7))
    write_json(tmp_path / drawn.CLASSES, ["a concept", "its anchor"])
    return Source(tmp_path, folder=tmp_path, side=4)


def test_parts_are_in_order_and_fit_the_card(source: Source, tmp_path: Path) -> None:
    arrays, card = drawn.load(source), drawn.inspect(source)
    assert arrays.train_x[:, 0, 0, 0].tolist() == [1, 2, 3, 4, 6, 8, 9, 10, 11, 13]
    assert arrays.test_x[:, 0, 0, 0].tolist() == [0, 5, 7, 12]
    assert arrays.train_y.tolist() == [0] * 5 + [1] * 5
    check(card, arrays)
    assert (card.classes, card.shape) == (("a concept", "its anchor"), (3, 4, 4))
    write(tmp_path / "target", card, arrays)
    assert read(tmp_path / "target").mean == (0.5, 0.5, 0.5)


def test_without_anything_drawn_there_is_no_dataset(tmp_path: Path) -> None:
    for ask in (drawn.load, drawn.inspect):
        with pytest.raises(UserError, match="a study that names it draws it"):
            ask(Source(tmp_path))
