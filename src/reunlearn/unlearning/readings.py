"""Hyper-parameters whose value differs between a paper and its released code.

Such a field follows the row's reading (name@paper, name@code) unless a study sets it: so each difference between the
two can be switched alone.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from reunlearn.unlearning.declarations import hyper

FOLLOWS = "reading"  # the value of a field that follows the reading


def by_reading(doc: str, *, paper: str, code: str, choices: tuple[str, ...]) -> Any:
    """Declare a hyper-parameter whose default is `paper` or `code`, depending on the reading.

    Args:
        doc: its meaning.
        paper, code: its value in each reading.
        choices: all its values.
    """
    metadata = hyper(FOLLOWS, f"{doc} (paper: {paper}; code: {code})", choices=(FOLLOWS, *choices)).metadata
    return dataclasses.field(default=FOLLOWS, metadata={**metadata, "paper": paper, "code": code})


def chosen(method: Any, name: str) -> str:
    """Return the value of a field declared by `by_reading`: that set by hand, else that of the method's reading."""
    value = getattr(method, name)
    if value != FOLLOWS:
        return value
    metadata = next(field.metadata for field in dataclasses.fields(method) if field.name == name)
    return metadata[method.reading]
