"""Libraries that only some attacks need, and that a small installation lacks."""

from __future__ import annotations

import ast
from pathlib import Path

from reunlearn.attacks.registry import get
from reunlearn.study.catalogue import KINDS, PACKAGE

EXTRA = "reunlearn[attacks]"  # what is to be installed


def missing_library(attack: str) -> str | None:
    """Return the library that an attack imports and that is not installed; None if it can run."""
    try:
        get(attack)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "reunlearn":
            raise
        return error.name.partition(".")[0]
    return None


def summary_of(attack: str) -> str:
    """Return the first line of an attack's file, which says its idea, without importing it."""
    file = Path(PACKAGE, KINDS["attacks"], f"{attack}.py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.splitlines()[0]
