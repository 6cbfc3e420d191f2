"""A table as it is shown: columns with definitions, rows of cells with a main and a smaller second text.

The page, LaTeX and Markdown are all written from it, so they never disagree.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

from reunlearn.reporting import numbers
from reunlearn.reporting.cards import METHODS, short_unit
from reunlearn.reporting.frames import Number
from reunlearn.reporting.rows import Counts, RowKey
from reunlearn.study.cards import NumberCard, TableCard


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
    group: str = ""  # heading over it and its neighbours


@dataclass(frozen=True)
class Row:
    """One row: which it is, and its cells."""

    key: RowKey
    cells: tuple[Cell, ...]
    remark: str = ""  # besides the remark of a reference
    title: str = ""  # what a paper calls it
    group: str = ""  # heading over it and its neighbours


@dataclass(frozen=True)
class AsPrinted:
    """What a table is called that is laid out as in a paper: title, caption, headings of groups of rows and of rows."""

    title: str
    caption: str
    group: str
    row: str


@dataclass(frozen=True)
class Table:
    """What is shown of a frame.

    Attributes:
        card: what table it is.
        of: the experiment; nothing for a table over all of them.
        columns, rows, notes: its content.
        printed: of a table that is laid out as in a paper; its rows have titles.
    """

    card: TableCard
    of: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()
    printed: AsPrinted | None = None

    @property
    def name(self) -> str:
        """The name of its files."""
        return file_name(self.of, self.card.name)

    @property
    def title(self) -> str:
        """Its heading."""
        return self.printed.title if self.printed else self.card.title

    @property
    def caption(self) -> str:
        """What it shows, in a line."""
        return self.printed.caption if self.printed else self.card.summary

    @property
    def grouped(self) -> bool:
        """Whether its rows have headings over them."""
        return any(row.group for row in self.rows)

    @property
    def head(self) -> tuple[tuple[Column, ...], ...]:
        """Its columns in groups; one without a heading where there are none."""
        return tuple(
            tuple(part) for _, part in itertools.groupby(self.columns, key=lambda column: column.group)
        )


RUNS = Column("runs", "Runs", "n", METHODS["runs"])
NOTHING = Cell(numbers.NOTHING, tone="muted")


def file_name(of: str, name: str) -> str:
    """Return the name of a table's or figure's files; `of`: the experiment, nothing for all of them together."""
    return f"{of}-{name}" if of else name


def column_of(key: str, card: NumberCard, unit: str | None = None) -> Column:
    """Return the column of a number; `unit`: instead of the card's own."""
    return Column(key, card.title, short_unit(card) if unit is None else unit, card)


def absent(counts: Counts) -> Cell | None:
    """Return the cell of a row in which nothing finished: diverged or missing."""
    return Cell(counts.absence, tone="bad") if counts.absence else None


def number_cell(number: Number, counts: Counts, decimals: int, *, with_gap: bool = False) -> Cell | None:
    """Return the cell of a number: mean ± deviation, below its gap to Retrain; None where there is no number."""
    if not number.known:
        return None
    main = numbers.with_deviation(number.mean, number.std, decimals)
    if number.n != counts.finished:
        main += f" (n = {number.n})"
    shown = with_gap and numbers.known(number.gap)
    return Cell(main, numbers.plain(number.gap, decimals) if shown else "", value=number.mean)


def plain_cell(value: float, decimals: int) -> Cell:
    """Return the cell of a number that has no deviation; a dash where there is none."""
    return Cell(numbers.plain(value, decimals), value=value) if numbers.known(value) else NOTHING


def runs_cell(counts: Counts, shown: int | None = None) -> Cell:
    """Return the cell that counts the runs of a row, with those that diverged or are missing below.

    Args:
        counts: of the row.
        shown: the number that is shown instead of that of the finished runs.
    """
    holes = [f"{k} {word}" for k, word in ((counts.diverged, "diverged"), (counts.missing, "missing")) if k]
    value = counts.finished if shown is None else shown
    return Cell(f"{value}", ", ".join(holes), tone="bad" if holes else "", value=value)
