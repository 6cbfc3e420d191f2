"""How commands print: JSON for programs, lines and tables for people."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence

from pydantic import BaseModel
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

MIB = 2**20
Row = dict[str, str]  # of a table: cell by heading
Jsonable = object  # a dataclass, a pydantic model, or lists and mappings of such and of plain values
WIDTH, LONG = 160, 10_000  # columns where there is no terminal: of wrapped text, of whole lines


def print_json(value: Jsonable) -> None:
    """Print a value as JSON."""
    print(json.dumps(value, indent=1, default=_plain))


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def console() -> Console:
    """Return a console that prints text as it is, each line whole."""
    return Console(highlight=False, soft_wrap=True, markup=False, emoji=False)


def wrapping_console(width: int = WIDTH) -> Console:
    """Return a console as wide as the terminal, or of a width of its own; it prints text as it is."""
    terminal = Console().is_terminal
    return Console(width=None if terminal else width, markup=False, emoji=False, highlight=False)


def print_table(rows: Sequence[Row], title: str, *, apart: str = "", one_line: bool = False) -> None:
    """Print rows as a table with one column per heading.

    Args:
        rows: all with the same headings.
        title: stands above the table.
        apart: a heading; where its value changes, a line is drawn.
        one_line: cut what does not fit instead of wrapping it; away from a terminal everything fits.
    """
    screen = wrapping_console(LONG if one_line else WIDTH)
    table = Table(title=title, title_justify="left", show_lines=False)
    headings = list(rows[0]) if rows else []
    cells = [list(row.values()) for row in rows]
    room = screen.width - 3 * len(headings) - 1
    widths = _widths([headings, *cells], room) if one_line else [None] * len(headings)
    for heading, width in zip(headings, widths, strict=True):
        whole = one_line or heading == apart
        table.add_column(heading, overflow="ellipsis" if one_line else "fold", no_wrap=whole, max_width=width)
    for index, row in enumerate(cells):
        last = index + 1 == len(rows) or rows[index + 1].get(apart) != rows[index].get(apart)
        table.add_row(*row, end_section=bool(apart) and last)
    screen.print(table)


def print_facts(facts: Row, title: str) -> None:
    """Print a table of names and values."""
    print_table([{"fact": name, "value": value} for name, value in facts.items()], title)


def _widths(lines: list[list[str]], room: int) -> list[int | None]:
    """Return widths of columns that fit the room: the widest give way, the first does not."""
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    while sum(widths) > room and max(widths[1:], default=1) > 1:
        widths[1 + widths[1:].index(max(widths[1:]))] -= 1
    return list(widths)


def joined(names: Sequence[object], none: str = "none") -> str:
    """Return names with commas between them, or what stands for no name at all."""
    return ", ".join(map(str, names)) or none


def settings_text(settings: Mapping[str, object]) -> str:
    """Return settings with their defaults in words."""
    return joined([f"{name} {'not set' if value is None else value}" for name, value in settings.items()])
