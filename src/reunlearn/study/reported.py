"""Numbers printed in papers: the lines of config/reported, as they are printed."""

from __future__ import annotations

import csv
import io
import math
from functools import cache
from pathlib import Path

from reunlearn.base.errors import UserError, near
from reunlearn.base.files import read_text
from reunlearn.study.schema import Reported
from reunlearn.study.specs import Spec

FOLDER = Path("config/reported")


class PrintedCell(Spec):
    """One printed number with its setting, every value as text, as it is printed.

    Attributes:
        file, line: where it stands in config/reported.
        paper, table, dataset, model, scenario, fraction, method, metric: in the paper's words.
        mean, std: the number and its deviation; empty where none is printed.
        gap: the printed gap to Retrain.
        unit: of the number.
        note: what is printed in words, instead of the number or about it.
    """

    file: str
    line: int
    paper: str
    table: str
    dataset: str
    model: str
    scenario: str
    fraction: str = ""
    method: str
    metric: str
    mean: str
    std: str
    gap: str = ""
    unit: str = ""
    note: str = ""


COLUMNS = tuple(name for name in PrintedCell.model_fields if name not in ("file", "line"))
REQUIRED = tuple(name for name in COLUMNS if PrintedCell.model_fields[name].is_required())


def read_reported(wanted: Reported, where: str) -> list[PrintedCell]:
    """Return the lines that a study chose.

    Raises:
        UserError: the file, a column or the chosen setting is not there, or a number is none.
    """
    cells = read_file(wanted.file)
    for column in wanted.where:
        if column not in COLUMNS:
            raise UserError(f"{where}: reported: no column '{column}'; {near(column, COLUMNS)}")
    chosen = [cell for cell in cells if all(getattr(cell, c) == value for c, value in wanted.where.items())]
    if not chosen:
        raise UserError(f"{where}: reported: no line of {wanted.file} is {_said(wanted, cells)}")
    return chosen


def all_cells() -> list[PrintedCell]:
    """Return all printed numbers, file by file."""
    return [cell for path in sorted(FOLDER.glob("*.csv")) for cell in read_file(path.name)]


def read_file(name: str) -> list[PrintedCell]:
    """Return the printed numbers of a file of config/reported.

    Raises:
        UserError: there is no such file, it lacks a column or is empty, or a number is none.
    """
    path = FOLDER / name
    if not path.is_file():
        known = sorted(p.name for p in FOLDER.glob("*.csv"))
        raise UserError(f"{path}: no such file; {near(name, known)}")
    return _read(path, path.absolute(), path.stat().st_mtime_ns)


@cache
def _read(path: Path, absolute: Path, time: int) -> list[PrintedCell]:
    """Return a file's numbers; remembered by its whole path and its time of change, in nanoseconds."""
    try:
        lines = csv.DictReader(io.StringIO(read_text(path)))
        rows, columns = list(lines), lines.fieldnames or ()
    except csv.Error as error:
        raise UserError(f"{path}: no comma-separated values: {error}") from None
    lacking = [c for c in REQUIRED if rows and c not in columns]
    if not rows or lacking:
        raise UserError(f"{path}: " + (f"has no column '{lacking[0]}'" if lacking else "is empty"))
    cells = []
    for line, row in enumerate(rows, start=2):
        if short := [column for column in REQUIRED if row[column] is None]:
            raise UserError(
                f"{path}: line {line}: ends before '{short[0]}'; write a comma for each empty column"
            )
        for column in ("mean", "std"):
            if row[column] and not _is_number(row[column]):
                raise UserError(f"{path}: line {line}: {column} '{row[column]}' is no number")
        values = {c: row[c] for c in COLUMNS if row.get(c) is not None}
        cells.append(PrintedCell(file=path.name, line=line, **values))
    return cells


def _said(wanted: Reported, cells: list[PrintedCell]) -> str:
    """Say what was asked for, and what the first column that nothing fits may be."""
    asked = ", ".join(f"{c} '{v}'" for c, v in wanted.where.items())
    for column, value in wanted.where.items():
        values = sorted({getattr(cell, column) for cell in cells})
        if value not in values:
            return f"{asked}; {column} may be {', '.join(values)}"
    return asked


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
