"""Hyper-parameters that are one thing in a paper and another in its released code.

Such a field follows the row's reading (name@paper, name@code) unless a study sets it by hand: each point where
the two differ can be turned by itself.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from reunlearn.unlearning.declarations import hyper

FOLLOWS = "reading"  # the value of a field that is as the reading has it


def by_reading(doc: str, *, paper: str, code: str, choices: tuple[str, ...]) -> Any:
    """Declare a hyper-parameter whose default is `paper` or `code`, as the reading is.

    Args:
        doc: its meaning.
        paper, code: what it is in each reading.
        choices: all its values.
    """
    about = hyper(FOLLOWS, f"{doc} (paper: {paper}; code: {code})", choices=(FOLLOWS, *choices)).metadata
    return dataclasses.field(default=FOLLOWS, metadata={**about, "paper": paper, "code": code})


def chosen(method: Any, name: str) -> str:
    """Return the value of a field declared by `reading`: set by hand, or that of the method's reading."""
    value = getattr(method, name)
    if value != FOLLOWS:
        return value
    about = next(field.metadata for field in dataclasses.fields(method) if field.name == name)
    return about[method.reading]
