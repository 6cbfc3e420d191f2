"""A table as it is shown: columns with definitions, lines of cells with a main and a smaller second text.

The page, LaTeX and Markdown are all written from a grid, so they never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Cell:
    """One cell: what is read first, what stands below it, and how it is toned."""

    main: str
    below: str = ""
    tone: str = ""  # "best", "second", "strong", "muted", "bad" or nothing


@dataclass(frozen=True)
class Column:
    """One column: heading, unit, and the definition shown on hover, tap or focus."""

    key: str
    title: str
    unit: str = ""
    card: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One line: its name, a remark, whether it is a reference or a method."""

    name: str
    remark: str
    reference: bool
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Grid:
    """A table with a name for its files and a caption."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()
    title: str = ""  # what the page calls it
