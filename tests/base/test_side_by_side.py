"""Works in processes of their own give what they give here; what fails says so, and nothing is left behind."""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import time
from functools import partial

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.side_by_side import CORES, cores, side_by_side

LARGE = 2**20  # more than a pipe holds


def number(value: int, seconds: float = 0.0) -> tuple[int, int, bytes]:
    """Return a number, the process that found it, and much else."""
    time.sleep(seconds)
    return value, os.getpid(), bytes(LARGE)


def fail(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize("most", [1, 2, 8])
def test_results_come_in_order_whatever_is_ready_first(most: int) -> None:
    works = [partial(number, value, 0.1 * (value % 2 == 0)) for value in range(5)]
    results = side_by_side(works, most)
    assert [value for value, _, _ in results] == [0, 1, 2, 3, 4]
    processes = {process for _, process, _ in results}
    assert (processes == {os.getpid()}) is (most == 1)
    assert len(processes) == (1 if most == 1 else 5)


def test_a_single_work_needs_no_process() -> None:
    assert side_by_side([os.getpid], 8) == [os.getpid()]
    assert side_by_side([], 8) == []


@pytest.mark.parametrize("error", [UserError("what to do"), ValueError("a mistake")])
def test_what_a_work_raises_is_raised_and_the_others_are_ended(error: Exception) -> None:
    began = time.monotonic()
    with pytest.raises(type(error), match=str(error)):
        side_by_side([partial(fail, error), partial(number, 1, 60.0)], 2)
    assert time.monotonic() - began < 30


def test_a_process_that_is_killed_is_told() -> None:
    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(ChildProcessError, match="memory"):
        side_by_side([kill, partial(number, 1)], 2)


KILLED = """
import os, signal, sys
from functools import partial
from tests.base.test_side_by_side import number, side_by_side

def tell(seconds):
    print(os.getpid(), flush=True)
    return number(1, seconds)

side_by_side([partial(tell, 1.0), partial(tell, 1.0)], 2)
"""


def test_works_end_by_themselves_when_nobody_waits_for_them() -> None:
    command = [sys.executable, "-c", KILLED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        works = [int(process.stdout.readline()) for _ in range(2)]
        process.kill()
    limit = time.monotonic() + 60
    while any(pathlib.Path(f"/proc/{work}/fd/1").exists() for work in works) and time.monotonic() < limit:
        time.sleep(0.05)
    assert not any(pathlib.Path(f"/proc/{work}/fd/1").exists() for work in works)


@pytest.mark.parametrize(("said", "expected"), [("2", 2), ("1", 1), ("", 1), ("many", 1), ("64", 8)])
def test_cores_are_those_of_the_run(said: str, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CORES, said)
    assert cores() == expected
    monkeypatch.delenv(CORES)
    assert cores() == 1
