"""Sides that are compared take turns in one run, so that what else a machine does disturbs all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Side = Callable[[], float]  # does its work once and returns the seconds


@dataclass(frozen=True)
class Turns:
    """Seconds of each side, turn by turn."""

    spent: Mapping[str, list[float]]

    def median(self, side: str) -> float:
        """Return the median seconds of a side."""
        return statistics.median(self.spent[side])

    def ratio(self, side: str, to: str) -> float:
        """Return how many times as long as `to` a side takes: the median over the turns."""
        return statistics.median(a / b for a, b in zip(self.spent[side], self.spent[to], strict=True))


def clock_of(threads: int) -> Callable[[], float]:
    """Return the clock for so many threads: CPU seconds for one, which other work on the machine disturbs less."""
    return time.process_time if threads == 1 else time.perf_counter


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Side:
    """Return a side that does some work, timed by a clock."""

    def side() -> float:
        begin = clock()
        work()
        return clock() - begin

    return side


def in_turn(sides: Mapping[str, Side], turns: int, warm_up: bool = True) -> Turns:
    """Let every side work once per turn; a first turn warms up and is not counted, unless that is switched off."""
    spent: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(turns + warm_up):
        for name, side in sides.items():
            seconds = side()
            if turn >= warm_up:
                spent[name].append(seconds)
    return Turns(spent)


def cpu_seconds(works: Mapping[str, Callable[[], object]], turns: int) -> Turns:
    """Return the CPU seconds of some works, in turn."""
    return in_turn({name: timed(work, time.process_time) for name, work in works.items()}, turns)
