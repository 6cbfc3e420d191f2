"""Addresses are printed without passwords."""

from __future__ import annotations

from reunlearn.base.addresses import without_credentials


def test_credentials_are_left_out() -> None:
    assert without_credentials("https://me:secret@host:1/a@b") == "https://host:1/a@b"
    assert without_credentials("sqlite:///a.db") == "sqlite:///a.db"
