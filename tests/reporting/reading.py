"""What tables compute and show, by name: for all tests of tables."""

from __future__ import annotations

from reunlearn.reporting import frames
from reunlearn.reporting.cells import Cell, Table
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.study_data import StudyData
from reunlearn.reporting.tables import registry


def numbers(data: ExperimentData | StudyData, table: str) -> dict[RowKey, dict[str, Number]]:
    """Return {row: {number: its parts}} of a table."""
    return frames.read(data.frame(table))


def shown(data: ExperimentData | StudyData, table: str) -> Table:
    """Return a table as it is shown."""
    found = registry.get(table).show(data.frame(table), data)
    assert found is not None
    return found


def is_shown(data: ExperimentData | StudyData, table: str) -> bool:
    """Tell whether a table is shown at all."""
    return registry.get(table).show(data.frame(table), data) is not None


def cells(data: ExperimentData | StudyData, table: str) -> dict[RowKey, dict[str, Cell]]:
    """Return {row: {key of the column: cell}} of a table as it is shown."""
    found = shown(data, table)
    keys = [column.key for column in found.columns]
    return {row.key: dict(zip(keys, row.cells, strict=True)) for row in found.rows}
