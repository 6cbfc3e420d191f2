"""How often progress is kept is a number of seconds, or an error of one line."""

from __future__ import annotations

import pytest

from reunlearn.base.errors import UserError
from reunlearn.base.interval import VARIABLE, checkpoint_seconds


@pytest.mark.parametrize(("text", "seconds"), [("", 60.0), (" ", 60.0), ("0", 0.0), (" 2.5 ", 2.5)])
def test_the_environment_says_how_often(monkeypatch: pytest.MonkeyPatch, text: str, seconds: float) -> None:
    monkeypatch.setenv(VARIABLE, text)
    assert checkpoint_seconds() == seconds


def test_a_minute_where_it_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert checkpoint_seconds() == 60.0


@pytest.mark.parametrize("text", ["-1", "often", "nan", "inf", "1,5"])
def test_anything_else_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv(VARIABLE, text)
    with pytest.raises(UserError, match=f"{VARIABLE} is '{text}'; write seconds"):
        checkpoint_seconds()
