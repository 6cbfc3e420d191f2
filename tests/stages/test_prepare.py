"""Preparing a dataset: same bytes twice, nothing half-written, what the lock knows is kept."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from reunlearn.data.sets import digits
from reunlearn.records.files import read_json, sha256
from reunlearn.records.versioning import directory_digest
from reunlearn.stages import prepare
from reunlearn.stages.execution import Job
from reunlearn.study.errors import UserError

TARGET = Path("data/digits")
DIGITS = {"md5": "5f2c00e12c5dc96e6c33f926f25809b1.dir", "nfiles": 5, "size": 130052}  # as DVC counts


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty project folder."""
    monkeypatch.chdir(tmp_path)


def run() -> dict[str, str]:
    """Prepare digits; return the checksums that the stage wrote."""
    folder = Path("work")
    folder.mkdir(exist_ok=True)
    prepare.run(Job({"dataset": "digits", "inputs": {}}, folder))
    return read_json(folder / "files.json")


def lock(digest: str | None = None) -> None:
    """Lock what is in the target, or another digest."""
    entry = directory_digest(TARGET) if TARGET.exists() else {}
    entry |= {"path": TARGET.as_posix(), "hash": "md5"} | ({"md5": digest} if digest else {})
    Path("data.dvc").write_text(yaml.safe_dump({"outs": [entry]}))


def no_source(_: Path) -> Any:
    raise UserError("the source was asked for")


def without_source(monkeypatch: pytest.MonkeyPatch) -> None:
    card = digits.CARD
    monkeypatch.setattr(digits, "CARD", type(card)(**{**vars(card), "load": no_source}))


def times() -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in TARGET.iterdir()}


def test_preparing_twice_gives_the_same_bytes() -> None:
    first = run()
    before, digest = times(), directory_digest(TARGET)
    assert run() == first == {p.name: sha256(p) for p in TARGET.iterdir()}
    assert directory_digest(TARGET) == digest
    assert times() != before  # it was really made again
    assert [p.name for p in TARGET.parent.iterdir()] == ["digits"]


def test_the_bytes_are_the_same_on_every_machine() -> None:
    run()
    assert directory_digest(TARGET) == DIGITS


def test_what_the_lock_says_is_kept_and_needs_no_source(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    before = times()
    without_source(monkeypatch)
    with pytest.raises(UserError, match="was asked for"):
        run()  # the control: without a lock the source is needed
    lock()
    assert run() == first
    assert times() == before


def test_a_changed_folder_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    first = run()
    lock()
    with (TARGET / "train_y.npy").open("r+b") as handle:
        handle.seek(-8, 2)
        handle.write(b"\1")
    assert sha256(TARGET / "train_y.npy") != first["train_y.npy"]
    assert run() == first


def test_bytes_that_the_lock_does_not_know_are_refused() -> None:
    lock("0" * 32 + ".dir")
    with pytest.raises(UserError, match="reunlearn data lock digits"):
        run()
    assert not TARGET.exists()
    assert list(TARGET.parent.iterdir()) == []


@pytest.mark.parametrize("there_before", [True, False])
def test_a_full_disk_leaves_what_was_there(monkeypatch: pytest.MonkeyPatch, there_before: bool) -> None:
    if there_before:
        run()
    before = times() if there_before else None
    save, calls = np.save, []

    def full(handle: Any, array: np.ndarray, **more: Any) -> None:
        calls.append(array.shape)
        if len(calls) == 3:
            handle.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(handle, array, **more)

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        run()
    assert len(calls) == 3
    assert [p.name for p in TARGET.parent.iterdir()] == (["digits"] if there_before else [])
    assert before == (times() if there_before else None)


def test_what_a_killed_preparation_left_is_cleared_away() -> None:
    for end in ("work", "old"):
        left = TARGET.with_name(f".digits.{end}")
        left.mkdir(parents=True)
        (left / "half").write_bytes(b"half")
    run()
    assert [p.name for p in TARGET.parent.iterdir()] == ["digits"]
    assert not (TARGET / "half").exists()
