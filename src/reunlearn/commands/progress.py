"""How far a run is: jobs done of all, which stages run now, the time left by the cost model as this run corrects it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

TRUSTED_SECONDS = 30.0  # of this run, that say as much about its speed as the cost model does
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True)
class Expected:
    """A job to run: its stage, and the seconds that it is expected to take."""

    stage: str
    seconds: float


class Progress:
    """Counts what starts and ends. Each event costs the same however many jobs there are.

    Args:
        jobs: all that are to run, by their number.
        at_once: how many run at a time.
        began: when, in seconds of some clock.
    """

    def __init__(self, jobs: Mapping[int, Expected], at_once: int, began: float) -> None:
        self.jobs, self.at_once, self.began = jobs, max(1, at_once), began
        self.expected = sum(job.seconds for job in jobs.values())
        self.running: dict[int, float] = {}  # job → when it started
        self.ended: set[int] = set()
        self.failed: set[int] = set()
        self.made_seconds = 0.0

    def start(self, numbers: Iterable[int], now: float) -> None:
        """Note that jobs start, perhaps again."""
        for number in numbers:
            if number in self.jobs:
                self.failed.discard(number)
                self.running[number] = now

    def finish(self, number: int) -> None:
        """Note that a job is done."""
        self.running.pop(number, None)
        if number in self.jobs and number not in self.ended:
            self.ended.add(number)
            self.made_seconds += self.jobs[number].seconds

    def fail(self, number: int) -> None:
        """Note that a job failed."""
        self.running.pop(number, None)
        if number in self.jobs:
            self.failed.add(number)

    def seconds_left(self, now: float) -> float:
        """Return the time left: the cost model's, corrected by how fast this run was until now."""
        under_way = sum(
            min(self.jobs[number].seconds, now - since) for number, since in list(self.running.items())
        )
        done = self.made_seconds + under_way
        speed = (done + self.at_once * TRUSTED_SECONDS) / (now - self.began + TRUSTED_SECONDS)
        return max(0.0, self.expected - done) / speed

    def parts(self, now: float) -> list[str]:
        """Return what is to be said, the most important first."""
        said = [f"{len(self.ended)} of {len(self.jobs)} jobs"]
        if self.failed:
            said.append(f"{len(self.failed)} failed")
        left = self.seconds_left(now)
        if left >= 1:  # else all that is expected has passed, and nobody knows
            said.append(f"about {duration(left)} left")
        stages = Counter(self.jobs[number].stage for number in list(self.running))
        if stages:
            said.append(", ".join(f"{count} {stage}" for stage, count in stages.most_common()))
        return said

    def line(self, now: float, width: int) -> str:
        """Return a line of at most so many columns: what does not fit is left out, from the end."""
        line, *others = self.parts(now)
        for part in others:
            if len(line) + 2 + len(part) <= width:
                line += f"  {part}"
        return line[: max(0, width)]


def duration(seconds: float) -> str:
    """Return a length of time in words: nobody knows it to the second."""
    if seconds < MINUTE:
        return f"{round(seconds)} s"
    if seconds < HOUR:
        return f"{round(seconds / MINUTE)} min"
    minutes = round(seconds / MINUTE)
    return f"{minutes // 60} h {minutes % 60:02} min"
