"""A grid as LaTeX (booktabs) and Markdown; the numbers behind it as CSV."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting.grid import Cell, Grid, Line

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
    """Return all numbers, six significant digits, one line per line of the table."""
    return table.to_csv(float_format="%.6g", lineterminator="\n")


def tex(grid: Grid) -> str:
    """Return a booktabs tabular; the best is bold, the second best underlined."""
    head = " & ".join(tex_escape(_heading(c.title, c.unit)) for c in grid.columns)
    body = []
    for index, line in enumerate(grid.lines):
        if index and grid.lines[index - 1].reference and not line.reference:
            body.append(r"\midrule")
        body.append(" & ".join([tex_escape(line.name), *(_tex_cell(c) for c in line.cells)]) + r" \\")
    rows = [
        rf"% {grid.name}: {grid.caption}",
        rf"\begin{{tabular}}{{l{'r' * len(grid.columns)}}}",
        r"\toprule",
        rf"Method & {head} \\",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(rows) + "\n"


def markdown(grid: Grid) -> str:
    """Return a pipe table; the best is bold, the second best italic."""
    head = ["Method", *(_heading(c.title, c.unit) for c in grid.columns)]
    rows = [
        f"{grid.caption[0].upper()}{grid.caption[1:]}.",
        "",
        _pipes(head),
        "|:--|" + "--:|" * len(grid.columns),
    ]
    rows += [_pipes([line.name, *_markdown_cells(line)]) for line in grid.lines]
    return "\n".join(rows) + "\n"


def tex_escape(text: str) -> str:
    """Return text that LaTeX prints as it is."""
    return "".join(_TEX.get(letter, letter) for letter in text)


def _heading(title: str, unit: str) -> str:
    return f"{title} ({unit})" if unit else title


def _tex_cell(cell: Cell) -> str:
    main = tex_escape(cell.main)
    marked = {"best": rf"\textbf{{{main}}}", "second": rf"\underline{{{main}}}"}.get(cell.tone, main)
    return f"{marked} ({tex_escape(cell.below)})" if cell.below else marked


def _markdown_cells(line: Line) -> list[str]:
    found = []
    for cell in line.cells:
        main = {"best": f"**{cell.main}**", "second": f"*{cell.main}*"}.get(cell.tone, cell.main)
        found.append(f"{main} ({cell.below})" if cell.below else main)
    return found


def _pipes(texts: list[str]) -> str:
    return "| " + " | ".join(text.replace("|", r"\|") for text in texts) + " |"
