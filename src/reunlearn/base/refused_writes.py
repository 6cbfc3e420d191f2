"""What a disk says when it takes nothing: it is full, a quota is used up, or it cannot be written at all."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reunlearn.base.errors import UserError

ADVICE = {
    errno.ENOSPC: "make room and run the same command again",
    errno.EDQUOT: "make room and run the same command again",
    errno.EROFS: "let it be written, or work in a copy of the project",
}


@contextmanager
def told_in_words(folder: Path | str) -> Iterator[None]:
    """Turn an error of a disk that takes nothing into a line; other errors pass.

    Args:
        folder: where the block writes; an error that names its file is told by that.

    Raises:
        UserError: such an error was met.
    """
    try:
        yield
    except Exception as error:
        number = _number(error)
        if number not in ADVICE:
            raise
        place = getattr(error, "filename", None) or folder
        raise UserError(f"{place}: {os.strerror(number)}; {ADVICE[number]}") from error


def _number(error: BaseException | None) -> int | None:
    """Return the system's number of an error or of what caused it; libraries in Rust write it into their text."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in ADVICE:
            return error.errno
        if found := re.search(r"\(os error (\d+)\)", str(error)):
            return int(found[1])
        error = error.__cause__ or error.__context__
    return None
