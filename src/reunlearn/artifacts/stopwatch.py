"""Seconds of a job in named sections, and the most memory that it held."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

RESET_PEAK = "5"  # to /proc/self/clear_refs: the peak of the resident set starts again from what is held now


class Stopwatch:
    """Seconds of a job, split into named sections such as set-up, compile and run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def section(self, name: str) -> Iterator[None]:
        """Add the block's wall-clock seconds to a section."""
        begin = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - begin

    def add(self, section: str, seconds: float) -> None:
        """Count seconds that were not measured here."""
        self.seconds[section] = self.seconds.get(section, 0.0) + seconds

    def move(self, section: str, to: str, seconds: float) -> None:
        """Count some seconds of a section as those of another one: work inside it that is none of it."""
        self.seconds[section] -= seconds
        self.seconds[to] = self.seconds.get(to, 0.0) + seconds


class PeakMemory:
    """The most memory that one job held, also where its process ran other jobs before."""

    _jobs = 0  # that began in this process

    def __init__(self) -> None:
        PeakMemory._jobs += 1
        self._first = PeakMemory._jobs == 1
        self._reset = False
        with contextlib.suppress(OSError):
            Path("/proc/self/clear_refs").write_text(RESET_PEAK)
            self._reset = True

    def mib(self) -> float | None:
        """Return MiB; None where the system cannot tell this job's memory from that of the jobs before it."""
        if self._reset:
            for line in Path("/proc/self/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    return round(int(line.split()[1]) / 1024, 1)
        if self._first:
            return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
        return None
