"""Checks: one file each, found by its name.

A file has

    CARD: CheckCard
    look(asked) -> Iterator[(state, text, mend)]

It changes nothing, and imports what is heavy inside `look`: each check runs in a process of its own.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import cast

from reunlearn.doctor.findings import Check

FOLDER = Path(__file__).with_name("checks")


def checks() -> list[Check]:
    """Return all checks, in the order of their lines."""
    names = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    found = [cast(Check, importlib.import_module(f"reunlearn.doctor.checks.{name}")) for name in names]
    return sorted(found, key=lambda check: check.CARD.order)
