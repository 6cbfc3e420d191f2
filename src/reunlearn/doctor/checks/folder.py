"""The folder: a project, that can be written."""

from __future__ import annotations

import os
from pathlib import Path

from reunlearn.base.project import MARKS
from reunlearn.doctor.findings import Asked, CheckCard, Found

CARD = CheckCard(order=10, title="folder")


def look(asked: Asked) -> Found:
    """Look at the folder that commands work in, and at those below it that they write to."""
    here = Path.cwd()
    if not all((here / mark).exists() for mark in MARKS):
        yield "problem", f"{here} is no folder of this project", "cd to your clone of it"
        return
    if set("{}") & set(str(here)):
        yield (
            "problem",
            f"{here}: Snakemake cannot work in a folder with braces in its path",
            "rename the folder",
        )
        return
    shut = [
        place for place in (here, *written()) if place.exists() and not os.access(place, os.W_OK | os.X_OK)
    ]
    if shut:
        names = ", ".join(map(str, shut))
        yield (
            "problem",
            f"{names}: cannot be written",
            "work in a copy of the project, or get the right to write",
        )
    else:
        yield "ok", f"{here}, can be written", ""


def written() -> list[Path]:
    """Return the folders that a run writes to."""
    state = Path(os.environ.get("REUNLEARN_STATE", ".reunlearn"))
    return [Path(name) for name in ("runs", "data", "reports", "logs", ".snakemake")] + [state]
