"""Checks as the command runs them: each in a process of its own."""

from __future__ import annotations

from types import ModuleType
from typing import cast

from reunlearn.doctor import running
from reunlearn.doctor.findings import Asked, Check, Finding


def look(check: ModuleType, asked: Asked | None = None) -> list[Finding]:
    """Return what one check finds in the working directory."""
    (started,) = running.start([cast(Check, check)], asked or Asked())
    return running.findings(started)


def states(found: list[Finding]) -> list[str]:
    """Return the state of each finding."""
    return [finding.state for finding in found]
