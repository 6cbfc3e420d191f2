"""Tables: one file each, found by its name.

A file has

    CARD: TableCard
    compute(data) -> pd.DataFrame
    show(frame, data) -> Table | None

`data` is an `ExperimentData`; for a table over the whole study a `StudyData`. `compute` returns every number, once: it
becomes the CSV file, and other tables and figures read it as `data.frame(name)`. It has the index method, reading,
label; most are long frames (`frames.py`). An empty frame: nothing of it was measured. `show` says what is shown of it
on the page, in LaTeX and Markdown; None: nothing, the CSV file is all.
"""

from __future__ import annotations

import importlib
from typing import Any

from reunlearn.study.cards import TableCard


def get(name: str) -> Any:
    """Return a table's module."""
    return importlib.import_module(f"reunlearn.reporting.tables.{name}")


def card(name: str) -> TableCard:
    """Return a table's card."""
    found: TableCard = get(name).CARD
    return found
