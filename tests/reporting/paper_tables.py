"""A paper's table for tests: printed cells that rows of the synthetic study meet, laid out in any way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reunlearn.reporting.paper_data import PaperData
from reunlearn.study.laid_out import LaidOut, Place
from reunlearn.study.layout import Layout
from reunlearn.study.reported import PrintedCell

ELSEWHERE = "no experiment of this study has this setting"
FACETS = ("dataset", "fraction", "method", "metric")


def numbered(*cells: PrintedCell) -> list[PrintedCell]:
    """Return printed cells with a line of their own each."""
    return [cell.model_copy(update={"line": line}) for line, cell in enumerate(cells, start=2)]


def laid_out(
    cells: Sequence[PrintedCell],
    rows: Sequence[str] = ("method",),
    columns: Sequence[str] = ("metric",),
    **more: Any,
) -> LaidOut:
    """Return a table of these cells, values in the order of the cells."""
    content = {
        "name": "table9",
        "title": "Table 9",
        "caption": "made up & printed",
        "source": "nobody",
        "rows": rows,
        "columns": columns,
        "order": {f: list(dict.fromkeys(getattr(cell, f) for cell in cells)) for f in FACETS},
        "headings": {},
        "says": {cell.metric: f"what {cell.metric} is" for cell in cells},
        "places": [Place(cell=cell, absent=ELSEWHERE, doubt="") for cell in cells],
    }
    return LaidOut.model_validate(content | more)


def paper_data(table: LaidOut, experiments: Sequence[Any]) -> PaperData:
    """Return what the table is made from."""
    return PaperData(table, experiments, Layout(("paper",), ()))
