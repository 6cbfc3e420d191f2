"""Secrets of the environment, of addresses and of DVC's configuration: a whole study leaves none of them anywhere.

Every byte that is written is looked at, also inside archives, Parquet and SQLite, and all that is printed; tracking
and the push to the remote fail, because the messages of such failures quote addresses.
"""

from __future__ import annotations

import contextlib
import sqlite3
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy
import pandas
import pyarrow.parquet
import pytest

from tests.storage import dvc_project
from tests.workflow.project import Project

SECRET = "Zq7-planted-{}-v9Xk"
VARIABLES = {
    "AWS_SECRET_ACCESS_KEY": SECRET.format("aws"),
    "AWS_ACCESS_KEY_ID": SECRET.format("awsid"),
    "MLFLOW_TRACKING_USERNAME": "me",
    "MLFLOW_TRACKING_PASSWORD": SECRET.format("mlflow"),
    "MLFLOW_TRACKING_TOKEN": "",
    "HF_TOKEN": SECRET.format("hf"),
    "http_proxy": f"http://me:{SECRET.format('proxy')}@127.0.0.1:9",
    "HTTPS_PROXY": f"http://me:{SECRET.format('proxy')}@127.0.0.1:9",
    "NO_PROXY": "127.0.0.1",
    "REUNLEARN_NOTHING": SECRET.format(
        "unnamed"
    ),  # no name of a secret: nothing may write the environment down
}
AWAY = f"http://me:{SECRET.format('uri')}@127.0.0.1:9"
LOCAL = Path(".dvc/config.local")
PLANTED = "Zq7-planted-"
REUNLEARN = (sys.executable, "-m", "reunlearn.cli")

pytestmark = pytest.mark.workflow


def contents(file: Path) -> Iterator[bytes]:
    """Yield what a file holds: its bytes, and what lies packed in it."""
    yield file.read_bytes()
    if file.suffix == ".parquet":
        yield str(pyarrow.parquet.read_table(file).to_pylist()).encode()
        yield str(pyarrow.parquet.read_schema(file).metadata).encode()
    elif zipfile.is_zipfile(file):
        with zipfile.ZipFile(file) as opened:
            yield from (opened.read(name) for name in opened.namelist())
    elif file.suffix == ".db":
        with contextlib.closing(sqlite3.connect(file)) as store:
            yield "\n".join(store.iterdump()).encode()


def leaks(folder: Path, planted: str = PLANTED) -> list[str]:
    """Return the files in which a planted secret stands, in their content or name."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sorted(
        str(path.relative_to(folder))
        for path in files
        if planted in str(path) or any(planted.encode() in content for content in contents(path))
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, known_plugins: Path) -> tuple[Path, dict[str, str]]:
    """A project after a whole study, and what each command printed: tracking and push fail, then tracking works."""
    root = tmp_path_factory.mktemp("secrets") / "project"
    project = Project.create(root)
    dvc_project.create(root)
    dvc_project.dvc(root, "remote", "modify", "storage", "url", "http://me@127.0.0.1:9/storage")
    dvc_project.dvc(root, "remote", "modify", "--local", "storage", "password", SECRET.format("dvc"))
    dvc_project.dvc(root, "remote", "modify", "--local", "storage", "url", f"{AWAY}/storage")
    caches = {"DVC_SITE_CACHE_DIR": str(root / "caches/dvc"), "XDG_CACHE_HOME": str(root / "caches")}
    variables = {**VARIABLES, **caches}
    no_server = {**variables, "MLFLOW_TRACKING_URI": f"{AWAY}/mlflow"}
    said = {
        "tracking fails": project.snakemake(check=False, variables=no_server),
        "tracked": project.snakemake(check=False, variables=variables),
        "snapshot": project.run([*REUNLEARN, "snapshot", "tiny"], False, variables),
    }
    codes = {name: done.returncode for name, done in said.items()}
    texts = {name: done.stdout + done.stderr for name, done in said.items()}
    assert codes == {"tracking fails": 3, "tracked": 0, "snapshot": 1}, texts
    return root, texts


def test_each_step_came_as_far_as_its_secrets(run: tuple[Path, dict[str, str]]) -> None:
    """Control: the failures quote the addresses, and the study is whole."""
    root, said = run
    assert "it was not logged to http://127.0.0.1:9/mlflow" in said["tracking fails"]
    assert "not pushed to http://127.0.0.1:9/storage: " in " ".join(said["snapshot"].split())
    assert (root / "reports/tiny/index.html").is_file()
    assert (root / "reports/tiny/tracking/tracked.json").is_file()
    assert (root / "runs.dvc").is_file()


@pytest.mark.parametrize("step", ["tracking fails", "tracked", "snapshot"])
def test_nothing_secret_is_printed(run: tuple[Path, dict[str, str]], step: str) -> None:
    _, said = run
    assert said[step]
    assert PLANTED not in said[step]


def test_nothing_secret_is_written(run: tuple[Path, dict[str, str]]) -> None:
    root, _ = run
    suffixes = {path.suffix for path in root.rglob("*") if path.is_file()}
    assert {".json", ".log", ".parquet", ".npz", ".html", ".db", ".dvc", ".safetensors"} <= suffixes
    assert leaks(root) == [str(LOCAL)]  # where it was planted


def test_control_a_secret_is_found_in_every_kind_of_file(tmp_path: Path) -> None:
    pandas.DataFrame({"a": [PLANTED]}).to_parquet(tmp_path / "a.parquet", compression="zstd")
    numpy.savez_compressed(tmp_path / "b.npz", numpy.frombuffer(PLANTED.encode() * 9, dtype="u1"))
    with contextlib.closing(sqlite3.connect(tmp_path / "c.db")) as store, store:
        store.execute("CREATE TABLE t (a TEXT)")
        store.execute("INSERT INTO t VALUES (?)", (f"x{PLANTED}",))
    (tmp_path / "d").write_text(f"x{PLANTED}")
    (tmp_path / f"e{PLANTED}").touch()
    (tmp_path / "f").write_text("nothing")
    assert leaks(tmp_path) == ["a.parquet", "b.npz", "c.db", "d", f"e{PLANTED}"]
