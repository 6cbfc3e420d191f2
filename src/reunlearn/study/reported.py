"""A paper's printed numbers, which a study may name: rows of a file of config/reported."""

from __future__ import annotations

import csv
import io
from functools import cache
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.base.files import read_text
from reunlearn.study.schema import Reported

FOLDER = Path("config/reported")
COLUMNS = (
    "paper",
    "table",
    "dataset",
    "model",
    "scenario",
    "fraction",
    "method",
    "metric",
    "mean",
    "std",
    "note",
)
Row = dict[str, str]


def read_reported(wanted: Reported, where: str) -> list[Row]:
    """Return the rows that a study chose, every value as text, as it is printed.

    Raises:
        UserError: the file, a column or the chosen setting is not there, or a number is none.
    """
    rows = _read(wanted.file)
    for column in wanted.where:
        if column not in COLUMNS:
            raise UserError(f"{where}: reported: no column '{column}'; {near(column, COLUMNS)}")
    chosen = [row for row in rows if all(row[c] == value for c, value in wanted.where.items())]
    if not chosen:
        raise UserError(f"{where}: reported: no line of {wanted.file} is {_said(wanted, rows)}")
    for number, row in enumerate(chosen, start=1):
        for column in ("mean", "std"):
            if row[column] and not _is_number(row[column]):
                raise UserError(
                    f"{FOLDER / wanted.file}: {column} '{row[column]}' of chosen line {number} is no number"
                )
    return [{c: row[c] for c in COLUMNS} for row in chosen]


@cache
def _read(name: str) -> list[Row]:
    path = FOLDER / name
    if not path.is_file():
        known = sorted(p.name for p in FOLDER.glob("*.csv"))
        raise UserError(f"{path}: no such file; {near(name, known)}")
    rows = list(csv.DictReader(io.StringIO(read_text(path))))
    lacking = [c for c in COLUMNS if rows and rows[0].get(c) is None]
    if not rows or lacking:
        raise UserError(f"{path}: " + (f"has no column '{lacking[0]}'" if lacking else "is empty"))
    return rows


def _said(wanted: Reported, rows: list[Row]) -> str:
    """Say what was asked for, and what the first column that nothing fits may be."""
    asked = ", ".join(f"{c} '{v}'" for c, v in wanted.where.items())
    for column, value in wanted.where.items():
        values = sorted({row[column] for row in rows})
        if value not in values:
            return f"{asked}; {column} may be {', '.join(values)}"
    return asked


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
