"""The one error a user meets: a line that names what is wrong and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user can mend. The message is one line."""


def near(name: str, known: Iterable[str]) -> str:
    """Return the known names, nearest to `name` first, as the tail of an error line."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    return f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(names)}"
