"""Names with a prefix, as tensors of several parts have in one file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

T = TypeVar("T")


def below(named: Mapping[str, T], prefix: str) -> dict[str, T]:
    """Return what has a name that begins so, under the rest of its name."""
    return {name.removeprefix(prefix): value for name, value in named.items() if name.startswith(prefix)}
