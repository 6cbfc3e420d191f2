"""An error is one line that can be printed, whatever it quotes."""

from __future__ import annotations

import pytest

from reunlearn.base.errors import UserError


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("a: 'b\nc'", "a: 'b c'"),
        ("a\r\n  b\u2028c", "a b c"),
        ("a\x1b[31mred\x00", r"a\x1b[31mred\x00"),
        ("a\u202eb", r"a\u202eb"),
        ("a\ud800", r"a\ud800"),
        ("größe  ∇τ\t'", "größe  ∇τ\t'"),
    ],
)
def test_it_is_one_line_of_printable_text(message: str, shown: str) -> None:
    assert str(UserError(message)) == shown


def test_a_long_one_keeps_its_begin_and_its_end() -> None:
    line = str(UserError(f"file: {'x' * 5000}; write less"))
    assert line.startswith("file: xxx")
    assert line.endswith("xxx; write less")
    assert len(line) < 2010
