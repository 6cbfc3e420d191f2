"""Whatever is broken in a file, its reader says one line or reads it; nothing is written, nobody waits.

A few inputs of each kind run with all tests, always the same ones; `make fuzz` runs 11,000.
"""

from __future__ import annotations

import functools
import shutil
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reunlearn.base.errors import UserError
from reunlearn.study import load, reported
from tests.fuzz.targets import ROOT, Target, targets

KINDS = (
    *(
        "study",
        "study that extends",
        "generation",
        "recipe",
        "preset",
        "paper",
        "printed numbers",
        "record",
        "manifest",
    ),
    *(
        "specification",
        "runs.json",
        ".dvc",
        "indices",
        "indices.npy",
        "prompts",
        "weights",
        "header of weights",
    ),
    *("pickled weights", "zip", "tgz", "picture", "code"),
)
FEW, MANY = 23, 500  # inputs of each of the 22 kinds: some 500, and 11,000
SECONDS = 10  # for one file
# the same inputs each time, on every machine; a machine that is busy is no fault
STEADY = settings(
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
)


@functools.cache
def known() -> dict[str, Target]:
    """Return all kinds of files; made once for a process."""
    return targets()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of config/, which the readers take for the project's."""
    made = tmp_path_factory.mktemp("fuzz")
    shutil.copytree(ROOT / "config", made / "config")
    return made


def check(target: Target, content: bytes, folder: Path) -> None:
    """Read a file; one line of error is right, anything else that is raised is not."""
    path = folder / target.file
    path.write_bytes(content)
    before, begun = files(folder), time.monotonic()
    try:
        target.read(path)
    except UserError as error:
        assert str(error).strip()
        assert len(str(error).splitlines()) == 1
        assert len(str(error)) < 3000
    assert time.monotonic() - begun < SECONDS
    assert files(folder) == before
    assert path.read_bytes() == content


def files(folder: Path) -> set[Path]:
    """Return all files below a folder, but those of config/, which are many and were there before."""
    return {path for path in folder.rglob("*") if path.relative_to(folder).parts[0] != "config"}


def _fuzz(kind: str, folder: Path, count: int) -> int:
    target, original, read = known()[kind], (folder / known()[kind].file), 0
    kept = original.read_bytes() if original.exists() else None

    @settings(STEADY, max_examples=count)
    @given(target.broken)
    def one(content: bytes) -> None:
        nonlocal read
        read += 1
        check(target, content, folder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(load, "CONFIG", folder / "config")
        patch.setattr(reported, "FOLDER", folder / "config/reported")
        try:
            one()
        finally:
            original.unlink()
            if kept is not None:
                original.write_bytes(kept)
            load._recipe.cache_clear()  # files change within a tick of the clock
    return read


@pytest.mark.parametrize("kind", KINDS)
def test_a_broken_file_is_one_line(kind: str, folder: Path) -> None:
    assert _fuzz(kind, folder, FEW) >= FEW


@pytest.mark.fuzz
@pytest.mark.parametrize("kind", KINDS)
def test_many_broken_files_are_one_line_each(kind: str, folder: Path, record_property: object) -> None:
    assert _fuzz(kind, folder, MANY) >= MANY


def test_no_kind_is_left_out() -> None:
    assert set(KINDS) == set(known())
    assert FEW * len(KINDS) >= 500
    assert MANY * len(KINDS) >= 10_000


@pytest.mark.parametrize("raised", [KeyError("x"), ValueError("x"), RecursionError("x"), UserError(" ")])
def test_control_anything_else_fails(raised: Exception, tmp_path: Path) -> None:
    def read(path: Path) -> None:
        raise raised

    with pytest.raises((KeyError, ValueError, RecursionError, AssertionError)):
        check(Target("f", st.just(b""), read), b"", tmp_path)


def test_control_a_file_that_is_left_behind_fails(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        check(Target("f", st.just(b""), lambda path: path.with_name("half").touch()), b"", tmp_path)
