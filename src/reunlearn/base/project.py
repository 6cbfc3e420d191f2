"""The project's folder: commands work in it, also when they are called from a folder below."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from reunlearn.base.errors import UserError

MARKS = ("Snakefile", "config")
SOURCE = Path("src") / "reunlearn"


def enter() -> None:
    """Change to the project's folder, if the working directory lies below one; arguments that name files go with it.

    Raises:
        UserError: the project has a source of its own, and another one runs.
    """
    here = Path.cwd()
    project = next((f for f in (here, *here.parents) if all((f / mark).exists() for mark in MARKS)), None)
    if project is None:
        return
    if project != here:
        sys.argv[1:] = [_seen_from(project, argument) for argument in sys.argv[1:]]
        os.chdir(project)
    check_source()


def _seen_from(project: Path, argument: str) -> str:
    """Return an argument, or the value after its `=`, that names a file here, as the project's folder sees it."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    if not value or Path(value).is_absolute() or not Path(value).exists():
        return argument
    return option + equals + os.path.relpath(value, project)


def check_source() -> None:
    """Refuse to run another project's source here: a copied environment still runs that of its origin.

    Raises:
        UserError: it would.
    """
    running = Path(__file__).resolve().parents[1]
    if SOURCE.is_dir() and not running.samefile(SOURCE):
        raise UserError(
            f"this folder has a source of its own, but {running} runs; "
            "the environment was copied: `make` makes it anew, or set PYTHONPATH=src"
        )
