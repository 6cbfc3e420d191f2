"""A store that was copied with its project or made half, and clones that share a server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reunlearn.tracking import store
from reunlearn.tracking.tracker import TrackedRun, Tracker


def log(page: str) -> None:
    """Log a study with one file."""
    Path("page.html").write_text(page)
    run = TrackedRun("study", "tiny", "s0", page, (0, 1), artifacts={Path("page.html"): "report"})
    with store.open_store() as client:
        Tracker(client, "tiny", "A test").log(run)


def pages(folder: Path) -> list[str]:
    return [path.read_text() for path in folder.glob("mlartifacts/**/page.html")]


def test_a_copy_of_a_project_writes_to_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    origin, copy = tmp_path / "origin", tmp_path / "it's a copy"
    origin.mkdir()
    monkeypatch.chdir(origin)
    log("first")
    shutil.copytree(origin, copy)
    # in a process of its own, as for a user: MLflow remembers where a run's files are
    program = "from tests.tracking.test_store import log; log('second')"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program], cwd=copy, env=environment, check=True)
    assert pages(origin) == ["first"]
    assert pages(copy) == ["second"]


def test_clones_of_one_server_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.setenv("REUNLEARN_STATE", ".reunlearn")
        known.append([store.clone_of("http://server") for _ in range(2)])
    assert known[0][0] == known[0][1] != known[1][0] == known[1][1]
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    assert store.clone_of("http://server") != known[0][0]
    assert store.clone_of("sqlite:///mlflow.db") == "here"


def test_what_another_clone_logged_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    ids = []
    for clone in ("one", "two"):
        monkeypatch.setattr("reunlearn.tracking.tracker.clone_of", lambda uri, clone=clone: clone)
        with store.open_store() as client:
            tracker = Tracker(client, "tiny", "A test")
            tracker.log(TrackedRun("study", "tiny", "s0", f"m of {clone}", (0, 1)))
            ids += tracker.ids.values()
    assert len(set(ids)) == 2


def test_a_store_made_half_is_never_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed migration leaves lies under another name; the next one starts anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / ".mlflow.db.1.partial").write_text("half a store")
    with store.open_store() as client:
        assert client.search_experiments()
    assert sorted(p.name for p in tmp_path.glob("*mlflow.db*")) == ["mlflow.db"]
