"""Rows and columns of a paper's table: what each stands for, and which row of ours it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reunlearn.reporting.rows import KEY, NOBODY, RowKey
from reunlearn.study.laid_out import LaidOut

METHOD = "method"
Entry = Mapping[str, Any]  # of the table's file


@dataclass(frozen=True)
class Line:
    """A row or a column.

    Attributes:
        values: the printed words that it stands for, by facet.
        row: of ours; None where the printed method is on the other axis; NOBODY where no row of ours is it.
    """

    values: Mapping[str, str]
    row: RowKey | None

    def title(self, table: LaidOut) -> str:
        """Return what it is called."""
        return table.heading(*list(self.values.items())[-1])

    def group(self, table: LaidOut) -> str:
        """Return what it and its neighbours share; with our row where the method is part of it."""
        words = [table.heading(*pair) for pair in list(self.values.items())[:-1]]
        if self.row not in (None, NOBODY) and METHOD in list(self.values)[:-1]:
            words.append(self.row.heading if self.row else "")
        return ", ".join(words)


def lines(facets: Sequence[str], table: LaidOut, entries: Sequence[Entry]) -> list[Line]:
    """Return the rows or columns of a table, in the paper's order: each printed method once for every row of ours.

    Rows of ours are looked for among all entries that share the outer values, so that both readings of a method stand
    next to each other.
    """
    found = [Line({}, None)]
    for facet in facets:
        found = [longer for line in found for longer in _longer(line, facet, table, entries)]
    return found


def _longer(line: Line, facet: str, table: LaidOut, entries: Sequence[Entry]) -> Iterator[Line]:
    """Yield a row or column once for every value of one more facet that is printed with its values."""
    for value in table.order[facet]:
        values = {**line.values, facet: value}
        if any(fits(entry, values) for entry in entries):
            yield from (
                Line(values, row) for row in (_rows(values, entries) if facet == METHOD else [line.row])
            )


def _rows(values: Mapping[str, str], entries: Sequence[Entry]) -> list[RowKey]:
    """Return the rows of ours that a printed method meets; NOBODY where there is none."""
    keys = [key_of(entry) for entry in entries if fits(entry, values)]
    return list(dict.fromkeys(key for key in keys if key != NOBODY)) or [NOBODY]


def fits(entry: Entry, values: Mapping[str, str]) -> bool:
    """Tell whether an entry has these printed words."""
    return all(entry["printed_method" if f == METHOD else f] == value for f, value in values.items())


def key_of(entry: Entry) -> RowKey:
    """Return the row of ours that an entry is about."""
    return RowKey(*(entry[name] for name in KEY))


def entry_at(entries: Sequence[Entry], row: Line, column: Line) -> Entry | None:
    """Return the entry of a place: of our row, else of the printed number that no row meets; None where it is empty."""
    here = [entry for entry in entries if fits(entry, {**row.values, **column.values})]
    wanted = row.row if row.row is not None else column.row
    if wanted is None:
        return here[0] if here else None
    of_row = {key_of(entry): entry for entry in reversed(here)}
    return of_row.get(wanted) or of_row.get(NOBODY)
