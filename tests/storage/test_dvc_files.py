"""Our digest of a folder is DVC's; the lock tells the right bytes from others."""

from __future__ import annotations

import contextlib
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.storage import dvc_files
from reunlearn.storage.dvc_files import (
    Entries,
    add_outputs,
    check_lock,
    directory_digest,
    parse_outputs,
    read_lock,
    read_outputs,
    write_outputs,
)
from tests.storage import dvc_project

FILES = {
    "set/a/x": b"1",
    "set/a-b/x": b"22",
    "set/a.b": b"",
    "set/é ü.bin": b"\r\n\x00",
    "set/Z": b"4" * 10_000,
    "set/deep/er/file": b"5",
}


def test_directory_digest_is_what_dvc_computes(tmp_path: Path) -> None:
    project = dvc_project.create(tmp_path)
    dvc_project.write(project, FILES)
    dvc_project.dvc(project, "add", "--quiet", "set")
    entry = read_outputs(project / "set.dvc")["set"]
    found = directory_digest(project / "set")
    assert found == {key: entry[key] for key in ("md5", "nfiles", "size")}
    (project / "set" / "a.b").write_bytes(b"x")
    assert directory_digest(project / "set") != found


def test_order_of_entries_is_that_of_their_paths(tmp_path: Path) -> None:
    file = tmp_path / "x.dvc"
    entries = {path: {"md5": path * 2, "path": path} for path in ("b", "a", "c" * 200)}
    write_outputs(file, entries)
    assert read_outputs(file) == entries
    assert list(read_outputs(file)) == ["a", "b", "c" * 200]


def add_from_two_sides(file: Path, monkeypatch: pytest.MonkeyPatch) -> Entries:
    """Add ten entries twice at once, each alone and with a pause between reading and writing; return the file's."""
    write = dvc_files.write_outputs

    def slow(file: Path, entries: Entries) -> None:
        time.sleep(0.005)
        write(file, entries)

    monkeypatch.setattr(dvc_files, "write_outputs", slow)

    def add(side: str) -> None:
        for number in range(10):
            path = f"{side}/{number}"
            add_outputs(file, {path: {"md5": "0.dir", "path": path}})

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(add, ("one", "two")))
    return read_outputs(file)


def test_entries_that_two_add_at_once_are_all_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(add_from_two_sides(tmp_path / "x.dvc", monkeypatch)) == 20


def test_control_without_waiting_entries_are_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_files, "changing", lambda file: contextlib.nullcontext())
    assert len(add_from_two_sides(tmp_path / "x.dvc", monkeypatch)) < 20


def test_keys_that_only_dvc_knows_stay(tmp_path: Path) -> None:
    file, entry = tmp_path / "x.dvc", {"md5": "1.dir", "path": "a", "desc": "ours", "remote": "lab"}
    write_outputs(file, {"a": entry})
    assert add_outputs(file, {"b": {"md5": "2.dir", "path": "b"}}).keys() == {"b"}
    assert read_outputs(file)["a"] == entry
    assert add_outputs(file, {"a": entry}) == {}


@pytest.mark.parametrize("text", ["<<<<<<< ours\nouts: []\n", "outs:\n- 3\n", "- x\n", "outs:\n- md5: a\n"])
def test_text_that_is_no_dvc_file_is_one_clear_error(text: str) -> None:
    with pytest.raises(UserError, match=r"runs\.dvc: is not a \.dvc file"):
        parse_outputs(text, "runs.dvc")


def test_lock_refuses_other_bytes_and_knows_nothing_of_other_sets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    dvc_project.write(tmp_path, {"data/one/x": b"1", "data/two/x": b"1"})
    write_outputs(Path("data.dvc"), {"data/one": {**directory_digest(Path("data/one")), "path": "data/one"}})
    check_lock(Path("data/one"), Path("data/one"))
    Path("data/one/x").write_bytes(b"2")
    with pytest.raises(UserError, match="reunlearn data lock one"):
        check_lock(Path("data/one"), Path("data/one"))
    check_lock(Path("data/two"), Path("data/two"))


def test_committed_lock_has_both_datasets_of_the_quickstarts() -> None:
    lock = read_lock()
    assert {"data/digits", "data/cifar10"} <= lock.keys()
    assert all(entry["md5"].endswith(".dir") for entry in lock.values())
