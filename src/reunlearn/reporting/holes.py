"""What is missing from a study, and which logs to read."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from reunlearn.study import paths


@dataclass(frozen=True)
class Hole:
    """A job without a result."""

    stage: str
    folder: str
    log: str
    begun: bool  # it left a log: it failed or was stopped; otherwise something before it did


def find_holes(runs: dict[str, Any], logs: Collection[str]) -> list[Hole]:
    """Return the holes, those that left a log first.

    Args:
        runs: the content of runs.json.
        logs: folders of the jobs that have a log.
    """
    found = [Hole(_stage(f), f, paths.log(f).as_posix(), f in logs) for f in runs["missing"]]
    return sorted(found, key=lambda hole: (not hole.begun, hole.folder))


def _stage(folder: str) -> str:
    """Return the stage whose folders look like this one."""
    matching = (stage for stage, pattern in paths.PATTERNS.items() if re.fullmatch(pattern, folder))
    return next(matching, "job")
