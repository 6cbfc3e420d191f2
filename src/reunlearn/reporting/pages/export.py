"""A table as LaTeX (booktabs) and Markdown; the numbers behind it as CSV.

Each has the three columns that name a row: method, reading, label.
"""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting.cells import Cell, Column, Row, Table

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


def csv(frame: pd.DataFrame) -> str:
    """Return all numbers, six significant digits, a line for each of the frame."""
    return frame.to_csv(float_format="%.6g", lineterminator="\n")


def tex(table: Table) -> str:
    """Return a booktabs tabular; the best is bold, the second best underlined."""
    head = " & ".join(tex_escape(text) for text in (*KEY_HEADINGS, *map(_heading, table.columns)))
    body = []
    for place, row in enumerate(table.rows):
        if place and table.rows[place - 1].key.is_reference and not row.key.is_reference:
            body.append(r"\midrule")
        key = [tex_escape(text) for text in _key(row)]
        body.append(" & ".join([*key, *(_tex_cell(cell) for cell in row.cells)]) + r" \\")
    parts = [
        rf"% {table.name}: {table.caption}",
        rf"\begin{{tabular}}{{{'l' * len(KEY_HEADINGS)}{'r' * len(table.columns)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(parts) + "\n"


def markdown(table: Table) -> str:
    """Return a pipe table; the best is bold, the second best italic."""
    parts = [
        f"{table.caption[0].upper()}{table.caption[1:]}.",
        "",
        _pipes([*KEY_HEADINGS, *map(_heading, table.columns)]),
        "|" + ":--|" * len(KEY_HEADINGS) + "--:|" * len(table.columns),
    ]
    parts += [_pipes([*_key(row), *map(_markdown_cell, row.cells)]) for row in table.rows]
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
