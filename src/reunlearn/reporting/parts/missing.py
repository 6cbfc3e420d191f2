"""What is missing from a study, and which logs to read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reunlearn.study import paths
from reunlearn.study.stages import stage_of


@dataclass(frozen=True)
class Hole:
    """A job without a result."""

    stage: str
    folder: str
    log: str
    begun: bool  # it left a log: it failed or was stopped; otherwise something before it did


def find_holes(missing: Collection[str], logs: Collection[str]) -> list[Hole]:
    """Return the holes, those that left a log first.

    Args:
        missing: folders of the jobs without a result.
        logs: folders of the jobs that have a log.
    """
    holes = [Hole(stage_of(f).name, f, paths.log(f).as_posix(), f in logs) for f in missing]
    return sorted(holes, key=lambda hole: (not hole.begun, hole.folder))
