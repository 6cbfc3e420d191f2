"""Sides take turns; a ratio is the median over the turns; work apart is done in another process."""

from __future__ import annotations

import importlib
import os

import pytest


def test_sides_take_turns_and_the_first_one_is_not_counted() -> None:
    turns = importlib.import_module("turns")
    order: list[str] = []
    spent = {"ours": iter([9.0, 1.0, 2.0, 4.0]), "other": iter([9.0, 2.0, 6.0, 8.0])}

    def side(name: str) -> object:
        def once() -> float:
            order.append(name)
            return next(spent[name])

        return once

    found = turns.in_turn({name: side(name) for name in spent}, 3)
    assert order == ["ours", "other"] * 4
    assert found.spent == {"ours": [1.0, 2.0, 4.0], "other": [2.0, 6.0, 8.0]}
    assert (found.median("ours"), found.ratio("other", "ours")) == (2.0, 2.0)


def test_timed_work_is_done_once() -> None:
    turns, done = importlib.import_module("turns"), []
    clock = iter([1.0, 3.5])
    assert turns.timed(lambda: done.append(1), lambda: next(clock))() == 2.5
    assert done == [1]


def adder(first: int):  # type: ignore[no-untyped-def]
    """Return what adds to a number, and tells its process."""
    return lambda second: (first + second, os.getpid())


def test_work_apart_is_done_there_and_its_errors_come_back() -> None:
    apart = importlib.import_module("apart")
    with apart.Apart(adder, 40) as work:
        total, process = work(2)
        assert total == 42 and process != os.getpid() and work(1)[1] == process
        with pytest.raises(RuntimeError, match="TypeError"):
            work("x")


def test_an_exponent_is_that_of_the_power() -> None:
    growth = importlib.import_module("growth")
    assert growth.exponent([1, 2, 4, 8], [3, 12, 48, 192]) == pytest.approx(2.0)
    assert set(growth.SIZES) == set(growth.QUICK) == set(growth.WORKS)
    seconds, mib = growth.here("classes", 10)
    assert seconds > 0 and mib >= 0
