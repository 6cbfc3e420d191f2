"""Hashes are remembered as long as a file is the same, and never longer."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reunlearn.base import hashes
from reunlearn.base.caches import state_dir
from reunlearn.base.hashes import file_hashes
from reunlearn.base.hashing import sha256


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were really read."""
    names: list[str] = []

    def note(path: Path) -> str:
        names.append(path.name)
        return sha256(path)

    monkeypatch.setattr(hashes, "sha256", note)
    return names


def settle() -> None:
    """Wait until a file system's clock has moved on."""
    time.sleep(2 * hashes.SETTLED_NS / 1e9)


def test_a_file_that_stays_is_read_once(tmp_path: Path, read: list[str]) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    settle()
    first = file_hashes(tmp_path, ["a", "b"])
    assert first == {name: sha256(tmp_path / name) for name in ("a", "b")}
    assert file_hashes(tmp_path, ["a", "b"]) == first
    assert sorted(read) == ["a", "b"]


@pytest.mark.parametrize("change", ["content", "touched", "replaced"])
def test_a_file_that_changed_is_read_again(tmp_path: Path, read: list[str], change: str) -> None:
    """Also when size and date of the content are put back."""
    path = tmp_path / "a"
    path.write_text("one")
    settle()
    status = path.stat()
    file_hashes(tmp_path, ["a"])
    if change == "content":
        path.write_text("two")
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "touched":
        path.touch()
    else:
        other = tmp_path / "b"
        other.write_text("two")
        other.replace(path)
    assert file_hashes(tmp_path, ["a"]) == {"a": sha256(path)}
    assert read == ["a", "a"]


def test_a_fresh_file_is_not_trusted_yet(tmp_path: Path, read: list[str]) -> None:
    """Two changes within one tick of the clock have the same dates."""
    (tmp_path / "a").write_text("one")
    file_hashes(tmp_path, ["a"])
    file_hashes(tmp_path, ["a"])
    assert read == ["a", "a"]


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 3}'])
def test_a_broken_memory_is_no_memory(tmp_path: Path, text: str) -> None:
    (tmp_path / "a").write_text("one")
    settle()
    file_hashes(tmp_path, ["a"])
    (memory,) = (state_dir() / "hashes").iterdir()
    memory.write_text(text)
    assert file_hashes(tmp_path, ["a"]) == {"a": sha256(tmp_path / "a")}


def test_where_nothing_can_be_written_it_hashes_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a").write_text("one")
    monkeypatch.setenv("REUNLEARN_STATE", str(tmp_path / "a" / "below a file"))
    assert file_hashes(tmp_path, ["a"]) == {"a": sha256(tmp_path / "a")}
