"""The one error a user meets: a line that names what is wrong and what to do."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST = 2000  # characters: a longer one quotes what nobody reads
BREAKS = re.compile(r"\s*[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]\s*")
CONTROLS = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f]|[\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


class UserError(Exception):
    """Something the user can mend. The message is one line, whatever it quotes of a file: nothing in it moves the
    cursor, turns the direction of writing, or cannot be printed."""

    def __init__(self, message: str) -> None:
        line = CONTROLS.sub(lambda match: ascii(match[0])[1:-1], BREAKS.sub(" ", message))
        if len(line) > LONGEST:
            line = f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"  # what is wrong, and at the end what to do
        super().__init__(line)


def closest(name: str, known: Iterable[str]) -> list[str]:
    """Return the known names that `name` may be a misspelling of, the nearest first."""
    return difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.5)


def near(name: str, known: Iterable[str]) -> str:
    """Return the known names, nearest to `name` first, as the tail of an error line."""
    names = sorted(known)
    close = closest(name, names)
    return f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(names)}"
