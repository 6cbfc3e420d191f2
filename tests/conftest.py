"""What all tests share: a project copy in which studies can really be run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.once import made_once

# before numpy and torch are imported: tests run side by side, and more threads than cores wait longer than they work
os.environ.setdefault("OMP_NUM_THREADS", "1")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def known_plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder that holds the catalogue of plugins: made once for all tests of a session, on all its workers."""
    folder = made_once(tmp_path_factory, "known-plugins", _catalogue)
    os.environ["REUNLEARN_KNOWN_PLUGINS"] = str(folder)
    return folder


def _catalogue(folder: Path) -> None:
    program = "from reunlearn.study.catalogue import catalogue; catalogue()"
    environment = os.environ | {"REUNLEARN_STATE": str(folder)}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty mirror: a download would be an error, and what an archive writes would be seen beside it."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    monkeypatch.setenv("REUNLEARN_DATA_MIRROR", str(folder))
    return folder


@pytest.fixture(autouse=True)
def _private_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known_plugins: Path) -> Iterator[None]:
    """Keep caches out of the project folder, and the folder as the working directory."""
    state = tmp_path.with_name(f"{tmp_path.name}-state")  # not in it: tests list what it holds
    state.mkdir()
    for file in known_plugins.glob("*.json"):
        shutil.copy2(file, state)
    monkeypatch.setenv("REUNLEARN_STATE", str(state))
    monkeypatch.delenv("REUNLEARN_WORKER", raising=False)
    before = Path.cwd()
    os.chdir(ROOT)
    yield
    os.chdir(before)


def _synthetic(folder: Path, **options: object) -> object:
    """Return a synthetic study for tests of the report; nobody waits for the disk."""
    from tests.reporting import synthetic  # few tests need it, and it loads much

    return _made_in(folder, lambda: synthetic.make(**options))


def _made_in(folder: Path, make: Callable[[], object]) -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(os, "fsync", lambda file: None)
        return make()


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A synthetic study in which every run finished."""
    return _synthetic(tmp_path_factory.mktemp("whole"))


@pytest.fixture(scope="session")
def sweeps(tmp_path_factory: pytest.TempPathFactory) -> object:
    """A synthetic study with sweeps of settings, sizes, steps and budgets, whose methods logged numbers over time."""
    from tests.reporting import sweeps as study

    return _made_in(tmp_path_factory.mktemp("sweeps"), study.make)


@pytest.fixture(scope="session")
def holed(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Some runs missing, one diverged, one method made on another device."""
    missing, diverged = ("lur", "salun"), ("gradient_ascent",)
    return _synthetic(tmp_path_factory.mktemp("holed"), missing=missing, diverged=diverged, device="cuda:0")


@pytest.fixture(scope="session")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Every run missing."""
    return _synthetic(tmp_path_factory.mktemp("nothing"), missing=("all",))
