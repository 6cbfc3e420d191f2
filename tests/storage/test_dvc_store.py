"""What we write by ourselves, the real DVC takes: commit entry by entry, push, pull."""

from __future__ import annotations

import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reunlearn.base.errors import UserError
from reunlearn.storage import dvc_store
from reunlearn.storage.dvc_files import read_outputs
from reunlearn.storage.remote import Remote
from tests.storage import dvc_project

FILE = Path("data.dvc")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with two datasets, both locked, as the working directory."""
    root = dvc_project.create(tmp_path / "project")
    dvc_project.write(root, {"data/one/x": b"1", "data/two/x": b"2"})
    monkeypatch.chdir(root)
    dvc_store.commit(FILE, ["data/one", "data/two"])
    return root


def test_commit_changes_one_entry_while_another_dataset_is_absent(project: Path) -> None:
    before = read_outputs(FILE)
    shutil.rmtree("data/two")
    Path("data/one/x").write_bytes(b"other")
    assert dvc_store.commit(FILE, ["data/one"]).keys() == {"data/one"}
    after = read_outputs(FILE)
    assert after["data/two"] == before["data/two"]
    assert after["data/one"]["md5"] != before["data/one"]["md5"]
    assert dvc_store.commit(FILE, ["data/one"]) == {}


def test_dvc_agrees_and_brings_back_each_target(project: Path) -> None:
    assert "up to date" in dvc_project.dvc(project, "status")
    assert Remote().address == str(project.parent / "dvc-storage")
    assert dvc_store.push(["data/one"]) is None
    shutil.rmtree("data")
    shutil.rmtree(".dvc/cache")
    assert dvc_store.pull(["data/one"]) is None
    assert Path("data/one/x").read_bytes() == b"1"
    complaint = dvc_store.pull(["data/two"])  # never pushed: refused, and said
    assert complaint and "data/two" in complaint


@pytest.fixture
def small_files() -> Iterator[None]:
    """No process may write a file above half a megabyte: a disk that takes no more."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**19, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_the_cache_could_not_take_is_an_error_and_stands_nowhere(
    project: Path, small_files: None, capfd: pytest.CaptureFixture[str]
) -> None:
    before = FILE.read_bytes()
    with limit_lifted():
        Path("data/one/x").write_bytes(bytes(2**20))
    with pytest.raises(
        UserError, match=r"DVC's cache could not take 1 of 2 folders: .*; nothing was recorded"
    ):
        dvc_store.commit(FILE, ["data/one", "data/two"])
    assert FILE.read_bytes() == before
    assert "ERROR" not in "".join(capfd.readouterr())
    with limit_lifted():
        assert dvc_store.commit(FILE, ["data/one", "data/two"]).keys() == {"data/one"}


@contextmanager
def limit_lifted() -> Iterator[None]:
    now = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (now[1], now[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, now)


def test_without_targets_nothing_is_asked_of_dvc(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dvc_store, "_into_cache", lambda *_: pytest.fail("DVC was asked"))
    assert dvc_store.commit(FILE, []) == {}
    assert dvc_store.push([]) is None
