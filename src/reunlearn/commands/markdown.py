"""Generated pages: rows as a table of Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SIGNS = str.maketrans({"|": r"\|", "<": "&lt;", ">": "&gt;", "*": r"\*", "\n": " "})


def text(value: str) -> str:
    """Return words as Markdown that shows them as they are, on one line."""
    return value.translate(SIGNS)


def table(rows: Sequence[Mapping[str, str]], raw: tuple[str, ...] = ()) -> str:
    """Return rows with the same headings as a table; cells of the headings `raw` are Markdown already."""
    headings = list(rows[0])
    lines = [headings, ["---"] * len(headings)]
    lines += [[value if key in raw else text(value) for key, value in row.items()] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def facts(pairs: Mapping[str, str]) -> str:
    """Return names and values as a list."""
    return "".join(f"- **{name}**: {text(value)}\n" for name, value in pairs.items())
