"""Prepared datasets on disk: checked, the same bytes each time, never half of one taken for a whole."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.npy import write_npy
from reunlearn.data.prepared import FINE, PARTS, check, measured, read, size_of, write
from reunlearn.data.sets import digits
from reunlearn.data.sets.registry import Arrays, DatasetCard, Source


@pytest.fixture(scope="module")
def arrays() -> Arrays:
    return digits.load(Source(Path("nowhere")))


def content(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def test_what_is_written_is_read(tmp_path: Path, arrays: Arrays) -> None:
    write(tmp_path, digits.CARD, arrays)
    found = read(tmp_path)
    for part in PARTS:
        assert np.array_equal(getattr(found.arrays, part), getattr(arrays, part))
    assert (found.classes, found.mean, found.std) == (digits.CARD.classes, digits.CARD.mean, digits.CARD.std)
    assert found.shape == (1, 8, 8)
    assert (found.fine_classes, found.arrays.train_fine) == ((), None)


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
        ({"train_y": np.arange(1198) % 11}, "or there are other labels"),
        ({"train_y": np.arange(1198) % 10}, "120, 120.*per class, not .115, 119"),
        ({"train_fine": np.zeros(1198, np.int64)}, "do not go together"),
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


def with_fine(arrays: Arrays) -> tuple[DatasetCard, Arrays]:
    """Return digits with two sub-classes."""
    card = dataclasses.replace(digits.CARD, fine_classes=("even", "odd"))
    return card, dataclasses.replace(arrays, train_fine=arrays.train_y % 2, test_fine=arrays.test_y % 2)


def test_sub_classes_are_kept_and_missed(tmp_path: Path, arrays: Arrays) -> None:
    card, both = with_fine(arrays)
    write(tmp_path, card, both)
    found = read(tmp_path)
    assert found.fine_classes == ("even", "odd")
    for part in FINE:
        assert np.array_equal(getattr(found.arrays, part), getattr(both, part))
    (tmp_path / "test_fine.npy").unlink()
    with pytest.raises(UserError, match="test_fine"):
        read(tmp_path)


def test_texts_are_token_ids(tmp_path: Path) -> None:
    x_NL, y_N = np.array([[5, 0], [7, 9], [9, 1], [2, 0]], np.uint16), np.array([0, 1, 0, 1])
    about = {"classes": ("a", "b"), "shape": (2, 10), "train": 4, "test": 4, "mean": (), "std": ()}
    card = dataclasses.replace(digits.CARD, modality="text", class_counts=None, **about)
    write(tmp_path, card, Arrays(x_NL, y_N, x_NL, y_N))
    found = read(tmp_path)
    assert np.array_equal(found.arrays.test_x, x_NL)
    assert found.arrays.test_x.dtype == np.uint16
    assert found.shape == (2, 10)
    with pytest.raises(ValueError, match="token 9 is outside the vocabulary of 9"):
        check(dataclasses.replace(card, shape=(2, 9)), Arrays(x_NL, y_N, x_NL, y_N))


def test_an_array_in_its_place_is_left_alone(tmp_path: Path, arrays: Arrays) -> None:
    path = tmp_path / "train_x.npy"
    mapped = write_npy(path, arrays.train_x.shape, np.uint8, [arrays.train_x[:100], arrays.train_x[100:]])
    before = path.stat()
    write(tmp_path, digits.CARD, dataclasses.replace(arrays, train_x=mapped))
    write(tmp_path / "other", digits.CARD, arrays)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert content(tmp_path / "other") == content(tmp_path)


def test_blocks_that_do_not_add_up_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="16 bytes instead of 24"):
        write_npy(tmp_path / "y.npy", (3,), np.int64, [np.arange(2)])
    assert list(tmp_path.iterdir()) == []


def test_mean_and_std_are_measured_where_the_card_has_none(tmp_path: Path, arrays: Arrays) -> None:
    write(tmp_path, dataclasses.replace(digits.CARD, mean=(), std=()), arrays)
    pixels = arrays.train_x.astype(np.float64) / 255
    assert read(tmp_path).mean == (round(pixels.mean(), 4),)
    assert read(tmp_path).std == (round(pixels.std(), 4),)
    with pytest.raises(UserError, match="one and the same colour"):
        measured(np.full_like(arrays.train_x, 7))


def test_the_size_is_known_before(tmp_path: Path, arrays: Arrays) -> None:
    card, both = with_fine(arrays)
    write(tmp_path, card, both)
    headers = 128 * 6
    assert size_of(card) == sum(p.stat().st_size for p in tmp_path.glob("*.npy")) - headers
