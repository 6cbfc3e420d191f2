"""The tables of all runs of a study, a Parquet file each, written run by run: few runs are in memory at one time.

A line holds its run's number and the columns that the run's measures left. Runs follow each other in the file. A row
group holds at least LEAST lines of whole runs, so that a run with many samples can be read alone.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from reunlearn.base.files import replacing
from reunlearn.measures.registry import Table

RUN = "run"  # the column of the run's number
LEAST = 10_000  # lines of a row group, but for the last


class TableFiles:
    """Writes tables to a folder; in a `with` block, at whose end the files take their place."""

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        """Take a folder, and the names of tables that are written even if they have no line."""
        self.folder, self.names = folder, tuple(names)
        self._files: dict[str, _TableFile] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> TableFiles:
        """Begin."""
        return self

    def add(self, name: str, run: int, columns: Table) -> None:
        """Add the lines of one run to a table.

        Raises:
            ValueError: the table has other columns.
        """
        lines = _lines(run, columns)
        if name not in self._files:
            self._files[name] = self._open(name, lines.schema)
        self._files[name].add(lines)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what is left; after an error no file takes its place."""
        with self._stack:
            if error is not None:
                raise error
            for name in self.names:
                if name not in self._files:
                    self._files[name] = self._open(name, pa.schema({RUN: pa.int32()}))
            for file in self._files.values():
                file.write()

    def _open(self, name: str, schema: Any) -> _TableFile:
        partial = self._stack.enter_context(replacing(self.folder / f"{name}.parquet"))
        # fractions repeat too seldom for a dictionary
        coded = [field.name for field in schema if not pa.types.is_floating(field.type)]
        writer = self._stack.enter_context(pq.ParquetWriter(partial, schema, use_dictionary=coded))
        return _TableFile(name, schema, writer)


class _TableFile:
    """A file that is being written, with the lines that wait for their row group."""

    def __init__(self, name: str, schema: Any, writer: Any) -> None:
        self.name, self.schema, self.writer = name, schema, writer
        self.waiting: list[Any] = []

    def add(self, lines: Any) -> None:
        if set(lines.column_names) != set(self.schema.names):
            raise ValueError(
                f"table '{self.name}' has the columns {', '.join(self.schema.names)}, and one run has "
                f"{', '.join(lines.column_names)}: give measures that leave one table the same columns"
            )
        self.waiting.append(lines.select(self.schema.names).cast(self.schema))
        if sum(map(len, self.waiting)) >= LEAST:
            self.write()

    def write(self) -> None:
        if self.waiting:
            group = pa.concat_tables(self.waiting).unify_dictionaries()
            self.writer.write_table(group, row_group_size=max(1, len(group)))
            self.waiting = []


def _lines(run: int, columns: Table) -> Any:
    """Return the lines of a run as an Arrow table."""
    count = len(next(iter(columns.values()), ()))
    arrays = {
        name: _texts(values) if values.dtype.kind == "U" else values for name, values in columns.items()
    }
    return pa.table({RUN: np.full(count, run, dtype=np.int32), **arrays})


def _texts(texts_N: np.ndarray) -> Any:
    """Return texts as categories. Equal neighbours are looked at once: most columns hold a few long stretches."""
    (begins,) = np.nonzero(np.r_[True, texts_N[1:] != texts_N[:-1]][: len(texts_N)])
    categories, codes = np.unique(texts_N[begins], return_inverse=True)
    codes_N = np.repeat(codes, np.diff(np.r_[begins, len(texts_N)])).astype(np.int32)
    return pa.DictionaryArray.from_arrays(codes_N, pa.array(categories.tolist(), pa.string()))
