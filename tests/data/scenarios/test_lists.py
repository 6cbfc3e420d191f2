"""A user's own list of samples: read as written, or refused in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reunlearn.base.errors import UserError
from reunlearn.data.scenarios._lists import digest_of, read_indices


def test_a_text_and_an_array_say_the_same(tmp_path: Path) -> None:
    text, array = tmp_path / "mine.txt", tmp_path / "mine.npy"
    text.write_text("# the ones to forget\n7\n\n 3 \n12\n")
    np.save(array, np.array([7, 3, 12], dtype=np.int32))
    assert read_indices(str(text)) == read_indices(str(array)) == [7, 3, 12]


def test_a_file_that_changed_since_the_plan_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text("1\n2\n")
    digest = digest_of(str(path))
    assert read_indices(str(path), digest) == [1, 2]
    path.write_text("1\n3\n")
    with pytest.raises(UserError, match="has changed since the plan was made"):
        read_indices(str(path), digest)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "lists nothing to forget"),
        ("# only a remark\n", "lists nothing to forget"),
        ("1\n2.5\n", r"line 2: '2\.5' is no whole number"),
        ("1\ntwo\n", "line 2: 'two' is no whole number"),
        ("1\n-2\n", "-2 is negative"),
        ("4\n1\n4\n", "4 is there twice"),
    ],
)
def test_what_is_no_list_of_numbers_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(content)
    with pytest.raises(UserError, match=message) as caught:
        read_indices(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0.5, 1.0]), "not a list of whole numbers"),
        (np.array([[1, 2]]), "not a list of whole numbers"),
        (np.array([True, False]), "not a list of whole numbers"),
        (np.array([1, -1]), "-1 is negative"),
        (np.array([], dtype=np.int64), "lists nothing"),
    ],
)
def test_arrays_of_something_else_are_refused(tmp_path: Path, array: np.ndarray, message: str) -> None:
    path = tmp_path / "mine.npy"
    np.save(path, array)
    with pytest.raises(UserError, match=message):
        read_indices(str(path))


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="No such file"):
        read_indices(str(tmp_path / "none.txt"))
    broken = tmp_path / "broken.npy"
    broken.write_bytes(b"\x93NUMPY\x01\x00")
    with pytest.raises(UserError, match=r"no \.npy file of numbers"):
        read_indices(str(broken))
    pickled = tmp_path / "pickled.npy"
    np.save(pickled, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"no \.npy file of numbers"):
        read_indices(str(pickled))
