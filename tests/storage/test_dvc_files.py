"""Our digest of a folder is DVC's; the lock tells the right bytes from others."""

from __future__ import annotations

from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.storage.dvc_files import (
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
