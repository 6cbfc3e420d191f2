"""A disk that takes nothing is one line that says where and what to do; every other error passes."""

from __future__ import annotations

import errno

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.refused_writes import told_in_words


def caused_by(error: Exception) -> Exception:
    try:
        raise RuntimeError("writing failed") from error
    except RuntimeError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(errno.ENOSPC, "no space"), "runs/a: No space left on device; make room"),
        (
            OSError(errno.ENOSPC, "no space", "runs/a/x.json"),
            "runs/a/x.json: No space left on device; make room",
        ),
        (OSError(errno.EDQUOT, "quota"), "runs/a: Disk quota exceeded; make room"),
        (OSError(errno.EROFS, "read-only"), "runs/a: Read-only file system; let it be written"),
        (
            ValueError("I/O error: No space left on device (os error 28)"),
            "runs/a: No space left on device; make room",
        ),
        (caused_by(OSError(errno.ENOSPC, "no space")), "runs/a: No space left on device; make room"),
    ],
)
def test_it_is_one_line(error: Exception, line: str) -> None:
    with pytest.raises(UserError, match=line), told_in_words("runs/a"):
        raise error


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOENT, "no file"), ValueError("28"), ValueError("(os error 2)")]
)
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, told_in_words("runs/a"):
        raise error
    assert caught.value is error
