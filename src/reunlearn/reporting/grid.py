"""A table as it is shown: columns with definitions, rows of cells with a main and a smaller second text.

The page, LaTeX and Markdown are all written from a grid, so they never disagree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from reunlearn.reporting.rows import RowKey
from reunlearn.study.cards import NumberCard


@dataclass(frozen=True)
class Cell:
    """One cell: what is read first, what stands below it, how it is toned, and the number by which rows are sorted."""

    main: str
    below: str = ""
    tone: str = ""  # "best", "second", "strong", "muted", "bad" or nothing
    value: float | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Column:
    """One column: heading, unit, and the definition shown on hover, tap or focus."""

    key: str
    title: str
    unit: str = ""
    card: NumberCard | None = None


@dataclass(frozen=True)
class Row:
    """One row: which it is, and its cells."""

    key: RowKey
    cells: tuple[Cell, ...]
    remark: str = ""  # besides the remark of a reference


@dataclass(frozen=True)
class Grid:
    """A table with a name for its files, a title and a caption for the page."""

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
