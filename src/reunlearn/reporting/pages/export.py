"""A table as LaTeX (booktabs) and Markdown; the numbers behind it as CSV.

Each has the three columns that name a row: method, reading, label. A table that is laid out as in a
paper has the paper's names instead, and our row beside them.

Texts of a study or a paper stay texts: no command of LaTeX, no HTML or link in Markdown, no formula in a spreadsheet.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from reunlearn.reporting.cells import Cell, Column, Row, Table
from reunlearn.reporting.rows import NOBODY

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
NUMBER = re.compile(r"[-+]?[0-9.]+(?:e[-+]?[0-9]+)?|[-+]inf", re.IGNORECASE)
FORMULAS = ("=", "+", "-", "@")  # what a text begins with that spreadsheets compute


def csv(frame: pd.DataFrame) -> str:
    """Return all numbers, six significant digits, a line for each of the frame; a text that a spreadsheet would
    compute has a ' in front."""
    texts = frame.map(_no_formula).rename(index=_no_formula, columns=_no_formula)
    return str(texts.to_csv(float_format="%.6g", lineterminator="\n"))


def _no_formula(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = _on_one_line(value)
    return f"'{text}" if text.lstrip().startswith(FORMULAS) and not NUMBER.fullmatch(text) else text


def tex(table: Table) -> str:
    """Return a booktabs tabular; the best is bold, the second best underlined."""
    keys = _key_headings(table)
    head = " & ".join(tex_escape(text) for text in (*keys, *map(_heading, table.columns)))
    body: list[str] = []
    for place, row in enumerate(table.rows):
        if place and _apart(table.rows[place - 1], row, table):
            body.append(r"\midrule")
        key = [tex_escape(text) for text in _key(row, table)]
        body.append(" & ".join([*key, *(_tex_cell(cell) for cell in row.cells)]) + r" \\")
    parts = [
        rf"% {table.name}: {_on_one_line(table.caption)}",
        rf"\begin{{tabular}}{{{'l' * len(keys)}{'r' * len(table.columns)}}}",
        r"\toprule",
        *_tex_groups(table, len(keys)),
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
        _markdown_text(f"{table.caption[0].upper()}{table.caption[1:]}."),
        "",
        _pipes([*_key_headings(table), *map(_grouped_heading, table.columns)]),
        "|" + ":--|" * len(_key_headings(table)) + "--:|" * len(table.columns),
    ]
    parts += [_pipes([*_key(row, table), *map(_markdown_cell, row.cells)]) for row in table.rows]
    return "\n".join(parts) + "\n"


def tex_escape(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return "".join(_TEX.get(letter, letter) for letter in _on_one_line(text))


def _on_one_line(text: str) -> str:
    return re.sub(r"\s*[\r\n\v\f\x85\u2028\u2029]\s*", " ", text)


def _markdown_text(text: str) -> str:
    """Return text in which nothing begins a tag, a link or a cell."""
    text = re.sub(r"<(?=[A-Za-z/!?])", r"\\<", _on_one_line(text).replace("\\", r"\\"))
    return text.replace("](", r"]\(").replace("|", r"\|")


def _key_headings(table: Table) -> tuple[str, ...]:
    """Return the headings of the columns that name a row; as printed: its group, its title, our row."""
    if table.printed is None:
        return KEY_HEADINGS
    group = (table.printed.group,) if table.grouped else ()
    return (*group, table.printed.row, *(("Ours",) if _has_ours(table) else ()))


def _key(row: Row, table: Table) -> tuple[str, ...]:
    if table.printed is None:
        return row.key.title, row.key.reading, row.key.label
    group = (row.group,) if table.grouped else ()
    ours = () if not _has_ours(table) else ("" if row.key == NOBODY else row.key.heading,)
    return (*group, row.title, *ours)


def _has_ours(table: Table) -> bool:
    return any(row.key != NOBODY for row in table.rows)


def _apart(above: Row, row: Row, table: Table) -> bool:
    """Tell whether a line is drawn between two rows: below the references, or between groups."""
    if table.printed is not None:
        return above.group != row.group
    return above.key.is_reference and not row.key.is_reference


def _tex_groups(table: Table, keys: int) -> list[str]:
    """Return the line of headings over groups of columns, where there are any."""
    if not any(column.group for column in table.columns):
        return []
    parts = [rf"\multicolumn{{{len(part)}}}{{c}}{{{tex_escape(part[0].group)}}}" for part in table.head]
    return [" & ".join([*[""] * keys, *parts]) + r" \\"]


def _grouped_heading(column: Column) -> str:
    return f"{column.group}: {_heading(column)}" if column.group else _heading(column)


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
    return "| " + " | ".join(map(_markdown_text, texts)) + " |"
