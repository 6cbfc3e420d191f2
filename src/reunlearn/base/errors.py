"""The one error a user meets: a line that names what is wrong and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend. The message is one line."""


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that `name` may be a misspelling of, the nearest first."""
    return difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)


def near(name: str, known: Iterable[str]) -> str:
    """Return the known names, nearest to `name` first, as the tail of an error line."""
    names = sorted(known)
    close = closest(name, names)
    return f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(names)}"
