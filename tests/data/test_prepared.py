"""Prepared datasets on disk: checked, the same bytes each time, never half of one taken for a whole."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from reunlearn.data.prepared import PARTS, check, read, write
from reunlearn.data.sets import digits
from reunlearn.data.sets.registry import Arrays
from reunlearn.study.errors import UserError


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return digits.load(Path("nowhere"))


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def test_what_is_written_is_read(tmp_path: Path, arrays: Arrays) -> None:
    write(tmp_path, digits.CARD, arrays)
    found = read(tmp_path)
    for part in PARTS:
        assert np.array_equal(getattr(found.arrays, part), getattr(arrays, part))
    assert (found.classes, found.mean, found.std) == (digits.CARD.classes, digits.CARD.mean, digits.CARD.std)


def test_the_same_arrays_give_the_same_bytes_whatever_their_memory(tmp_path: Path, arrays: Arrays) -> None:
    turned = dataclasses.replace(arrays, train_x=np.asfortranarray(arrays.train_x))
    write(tmp_path / "one", digits.CARD, arrays)
    write(tmp_path / "two", digits.CARD, turned)
    assert content(tmp_path / "one") == content(tmp_path / "two")
    assert set(content(tmp_path / "one")) == {*(f"{p}.npy" for p in PARTS), "card.json"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"train_x": np.zeros((1198, 1, 8, 8), np.float32)}, "not uint8"),
        ({"test_x": np.zeros((598, 1, 8, 8), np.uint8)}, "digits test: images"),
        ({"train_y": np.zeros(1198, np.int32)}, "not int64"),
        ({"train_y": np.zeros(1198, np.int64)}, "classes are missing"),
    ],
)
def test_arrays_that_are_not_what_the_card_says_are_refused(
    tmp_path: Path, arrays: Arrays, change: dict, words: str
) -> None:
    check(digits.CARD, arrays)
    with pytest.raises(ValueError, match=words):
        write(tmp_path / "set", digits.CARD, dataclasses.replace(arrays, **change))
    assert not (tmp_path / "set").exists()


@pytest.mark.parametrize("name", ["card.json", "train_x.npy", "test_y.npy"])
@pytest.mark.parametrize("damage", ["remove", "cut", "empty"])
def test_a_damaged_set_is_one_line(tmp_path: Path, arrays: Arrays, name: str, damage: str) -> None:
    write(tmp_path, digits.CARD, arrays)
    path = tmp_path / name
    whole = path.read_bytes()
    path.unlink()
    if damage != "remove":
        path.write_bytes(whole[: len(whole) // 2] if damage == "cut" else b"")
    with pytest.raises(UserError, match="prepare it again") as error:
        read(tmp_path)
    assert "\n" not in str(error.value)
