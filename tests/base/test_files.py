"""Atomic writes: a reader sees one whole file, whoever else writes it, and nothing is left beside it."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from reunlearn.base.arrays import read_arrays, write_arrays
from reunlearn.base.files import read_json, replacing, write_bytes, write_json, write_text

LENGTH = 200_000
TIMES = 30


def write_often(path: Path, letter: str, barrier: Any) -> None:
    """Write a file of one letter, many times, at the same time as others."""
    barrier.wait(timeout=60)
    for _ in range(TIMES):
        write_text(path, letter * LENGTH)


def both(target: Callable[..., None], path: Path, names: str) -> tuple[list[int | None], set[str]]:
    """Run a function in a process per name at once; return exit codes, and what a reader saw meanwhile."""
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(len(names) + 1)
    workers = [context.Process(target=target, args=(path, name, barrier)) for name in names]
    for worker in workers:
        worker.start()
    barrier.wait(timeout=60)
    seen = set()
    while any(worker.is_alive() for worker in workers):
        if path.exists():
            seen.add(path.read_text())
    for worker in workers:
        worker.join(timeout=60)
    return [worker.exitcode for worker in workers], seen | {path.read_text()}


def test_two_processes_that_write_one_file_leave_one_whole_file(tmp_path: Path) -> None:
    codes, seen = both(write_often, tmp_path / "new" / "file.txt", "ab")
    assert codes == [0, 0]
    assert seen <= {"a" * LENGTH, "b" * LENGTH}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["file.txt"]


def write_in_place(path: Path, letter: str, barrier: Any) -> None:
    """Write the same file without care."""
    barrier.wait(timeout=60)
    for _ in range(TIMES):
        with path.open("w") as handle:
            for _ in range(100):
                handle.write(letter * (LENGTH // 100))
                handle.flush()


def test_control_without_care_a_reader_sees_a_part(tmp_path: Path) -> None:
    _, seen = both(write_in_place, tmp_path / "file.txt", "ab")
    assert not seen <= {"a" * LENGTH, "b" * LENGTH}


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file.txt"
    write_text(path, "old")
    with pytest.raises(ValueError), replacing(path) as partial:
        partial.write_text("new")
        raise ValueError
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_each_form_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "Grüße, ∇")
    write_bytes(tmp_path / "bytes", b"\x00\xff")
    write_arrays(tmp_path / "arrays.npz", {"x": np.arange(3), "y": np.array(["a"])})
    assert (tmp_path / "text").read_text(encoding="utf-8") == "Grüße, ∇"
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"
    arrays = read_arrays(tmp_path / "arrays.npz")
    assert (arrays["x"].tolist(), arrays["y"].tolist()) == ([0, 1, 2], ["a"])


def test_the_same_arrays_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "other"):
        write_arrays(tmp_path / f"{name}.npz", {"x": np.arange(1000)})
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "other.npz").read_bytes()


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="allow_pickle"):
        write_arrays(tmp_path / "new" / "arrays.npz", {"x": np.array([{}], dtype=object)})
    assert list((tmp_path / "new").iterdir()) == []


def test_numbers_of_numpy_and_infinite_ones_are_json(tmp_path: Path) -> None:
    content = {"b": np.float32(0.5), "a": [np.int64(3), float("nan"), (1, float("inf"))], "c": np.bool_(True)}
    write_json(tmp_path / "file.json", content)
    text = (tmp_path / "file.json").read_text()
    assert read_json(tmp_path / "file.json") == {"a": [3, None, [1, None]], "b": 0.5, "c": True}
    assert list(json.loads(text)) == ["a", "b", "c"]
    assert text.endswith("}\n")
