"""A grid as LaTeX (booktabs) and Markdown; the numbers behind it as CSV.

Each has the three columns that name a row: method, reading, label.
"""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting.grid import Cell, Column, Grid, Row

KEY_HEADINGS = ("Method", "Reading", "Label")
_TEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": "$-$",
    "—": "---",
}


def csv(table: pd.DataFrame) -> str:
    """Return all numbers, six significant digits, one line per row of the table."""
    return table.to_csv(float_format="%.6g", lineterminator="\n")


def tex(grid: Grid) -> str:
    """Return a booktabs tabular; the best is bold, the second best underlined."""
    head = " & ".join(tex_escape(text) for text in (*KEY_HEADINGS, *map(_heading, grid.columns)))
    body = []
    for place, row in enumerate(grid.rows):
        if place and grid.rows[place - 1].key.is_reference and not row.key.is_reference:
            body.append(r"\midrule")
        key = [tex_escape(text) for text in _key(row)]
        body.append(" & ".join([*key, *(_tex_cell(cell) for cell in row.cells)]) + r" \\")
    parts = [
        rf"% {grid.name}: {grid.caption}",
        rf"\begin{{tabular}}{{{'l' * len(KEY_HEADINGS)}{'r' * len(grid.columns)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(parts) + "\n"


def markdown(grid: Grid) -> str:
    """Return a pipe table; the best is bold, the second best italic."""
    parts = [
        f"{grid.caption[0].upper()}{grid.caption[1:]}.",
        "",
        _pipes([*KEY_HEADINGS, *map(_heading, grid.columns)]),
        "|" + ":--|" * len(KEY_HEADINGS) + "--:|" * len(grid.columns),
    ]
    parts += [_pipes([*_key(row), *map(_markdown_cell, row.cells)]) for row in grid.rows]
    return "\n".join(parts) + "\n"


def tex_escape(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return "".join(_TEX.get(letter, letter) for letter in text)


def _key(row: Row) -> tuple[str, str, str]:
    return row.key.title, row.key.reading, row.key.label


def _heading(column: Column) -> str:
    return f"{column.title} ({column.unit})" if column.unit else column.title


def _tex_cell(cell: Cell) -> str:
    main = tex_escape(cell.main)
    marked = {"best": rf"\textbf{{{main}}}", "second": rf"\underline{{{main}}}"}.get(cell.tone, main)
    return f"{marked} ({tex_escape(cell.below)})" if cell.below else marked


def _markdown_cell(cell: Cell) -> str:
    main = {"best": f"**{cell.main}**", "second": f"*{cell.main}*"}.get(cell.tone, cell.main)
    return f"{main} ({cell.below})" if cell.below else main


def _pipes(texts: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", r"\|") for text in texts) + " |"
