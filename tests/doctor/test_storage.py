"""DVC remotes and MLflow stores: the real ones, that can be used and that cannot."""

from __future__ import annotations

import http.server
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reunlearn.doctor.checks import remote, tracking
from tests.doctor.looking import look, states
from tests.storage import dvc_project


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty DVC project as the working directory; its remote is ../../dvc-storage of the file .dvc/config."""
    folder = dvc_project.create(tmp_path / "project")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


def everything(folder: Path) -> dict[Path, int]:
    """Return all files with their times, but DVC's own notes."""
    files = (path for path in folder.rglob("*") if path.is_file() and ".dvc/tmp" not in str(path))
    return {path: path.stat().st_mtime_ns for path in files}


def test_a_remote_folder_is_there_or_can_be_made(project: Path, tmp_path: Path) -> None:
    before = everything(tmp_path)
    (absent,) = look(remote)
    assert everything(tmp_path) == before
    assert absent.state == "ok" and absent.text.endswith("is not there yet; the first push makes it")
    (tmp_path / "dvc-storage").mkdir()
    (there,) = look(remote)
    assert (there.state, there.text) == ("ok", f"{tmp_path / 'dvc-storage'}, can be written")
    dvc_project.write(project, {"kept/a": b"1"})
    dvc_project.dvc(project, "add", "--quiet", "kept/a")
    dvc_project.dvc(project, "push", "--quiet")  # what was said is true


def test_a_remote_folder_below_a_file_is_a_problem_for_root_too(project: Path, tmp_path: Path) -> None:
    (tmp_path / "dvc-storage").write_bytes(b"")
    (found,) = look(remote)
    assert found.state == "problem" and f"{tmp_path / 'dvc-storage'} is a file" in found.text and found.mend
    dvc_project.write(project, {"kept/a": b"1"})
    dvc_project.dvc(project, "add", "--quiet", "kept/a")
    push = [sys.executable, "-m", "dvc", "push", "--quiet"]
    assert subprocess.run(push, capture_output=True, check=False).returncode != 0


def test_no_remote_no_project_and_a_broken_file_are_a_line_each(project: Path) -> None:
    (project / ".dvc/config").write_text("[core]\n    remote = away\n")
    (unknown,) = look(remote)
    assert unknown.state == "problem" and "away" in unknown.text
    (project / ".dvc/config").write_text("[core]\n    analytics = false\n")
    (none,) = look(remote)
    assert none.state == "warning" and none.text.startswith("no remote is configured")
    (project / ".dvc/config").write_text("[core\n")
    (broken,) = look(remote)
    assert broken.state == "problem" and ".dvc/config" in broken.mend and "\n" not in broken.text
    (project / ".dvc").rename(project / "dvc-away")
    (outside,) = look(remote)
    assert outside.state == "warning" and "no DVC project" in outside.text


def test_a_remote_server_that_is_down_is_a_problem(project: Path) -> None:
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{served.server_port}"
    (project / ".dvc/config").write_text(
        f"[core]\n    remote = web\n['remote \"web\"']\n    url = {address}\n"
    )
    (up,) = look(remote)
    assert up.state == "ok" and up.text.startswith(f"{address} answers")
    served.shutdown()
    served.server_close()
    (down,) = look(remote)
    assert down.state == "problem" and down.text.startswith(f"{address}: ")


def free_address() -> str:
    """Return an address of this machine that nobody serves."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{found.getsockname()[1]}"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store of the server below: MLflow makes it."""
    return tmp_path_factory.mktemp("mlflow") / "served.db"


@pytest.fixture(scope="module")
def server(served: Path) -> Iterator[str]:
    """The address of a real MLflow server."""
    folder, address = served.parent, free_address()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--workers", "1"]
    command += ["--port", address.rpartition(":")[2], "--backend-store-uri", f"sqlite:///{served}"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.5)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)  # with its workers
        process.wait(30)


def test_a_server_answers_or_does_not(project: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.replace("//", "//me:secret@"))
    (up,) = look(tracking)
    assert (up.state, up.text) == ("ok", f"{server} answers")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", free_address())
    (down,) = look(tracking)
    assert down.state == "problem" and "Connection refused" in down.text
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{server}/elsewhere")
    (other,) = look(tracking)
    assert other.state == "problem" and "answers 40" in other.text
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "postgresql://me:secret@127.0.0.1/runs")
    (database,) = look(tracking)
    assert database.state == "warning" and "secret" not in database.text


def test_a_server_that_never_answers_is_given_up(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setattr(tracking, "CARD", tracking.CARD.__class__(1, "MLflow", seconds=3.0))
        before = time.monotonic()
        assert [found.text for found in look(tracking)] == ["no answer within 3 s"]
        assert time.monotonic() - before < 6


def test_a_store_beside_the_project_is_looked_at_and_never_made(
    project: Path, server: str, served: Path
) -> None:
    (absent,) = look(tracking)
    assert absent.state == "ok" and absent.text.startswith("mlflow.db is not there yet")
    assert not (project / "mlflow.db").exists()
    shutil.copy2(served, "mlflow.db")
    (made,) = look(tracking)
    assert (made.state, made.text) == ("ok", "mlflow.db, can be opened and written")
    with closing(sqlite3.connect("mlflow.db")) as opened, opened:
        opened.execute("UPDATE alembic_version SET version_num = 'other'")
    (other,) = look(tracking)
    assert other.state == "problem" and "another MLflow's format" in other.text
    (project / "mlflow.db").write_bytes(b"no database")
    assert states(look(tracking)) == ["problem"]
