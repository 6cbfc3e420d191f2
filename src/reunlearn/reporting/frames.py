"""What a table computes: a long frame, one line per row and number, that is read back by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reunlearn.metrics.statistics import summarise
from reunlearn.reporting.rows import RowKey, index

NAN = float("nan")
TESTS = ("p_t", "p_ranks")  # columns of frames that hold paired tests


@dataclass(frozen=True)
class Number:
    """One number of one row; NaN where a part of it does not exist.

    Attributes:
        mean, std, n: over finished runs; n is 0 where there is none.
        gap: to Retrain, never below 0.
        low, high: ends of its interval.
        p_t, p_ranks: of paired tests, corrected: t test, signed-rank test.
    """

    mean: float = NAN
    std: float = NAN
    n: int = 0
    gap: float = NAN
    low: float = NAN
    high: float = NAN
    p_t: float = NAN
    p_ranks: float = NAN

    @property
    def known(self) -> bool:
        """Whether there is a number to show."""
        return bool(np.isfinite(self.mean))


Numbers = Mapping[str, Number]
COLUMNS = tuple(field.name for field in dataclasses.fields(Number))


def number_of(values: np.ndarray | list[float]) -> Number:
    """Return mean, deviation and n of the values of some runs."""
    summary = summarise(values)
    return Number(summary.mean, summary.std, summary.n)


def frame_of(entries: Mapping[RowKey, Numbers]) -> pd.DataFrame:
    """Return a long frame: index method, reading, label; columns number, mean, std, n, gap, low, high.

    A frame with tests has the columns p_t and p_ranks as well.
    """
    lines = [(row, name, number) for row, numbers in entries.items() for name, number in numbers.items()]
    content = {"number": [name for _, name, _ in lines]}
    content |= {column: [getattr(number, column) for _, _, number in lines] for column in COLUMNS}
    frame = pd.DataFrame(content, index=index([row for row, _, _ in lines]))
    tested = len(frame) and frame[list(TESTS)].notna().to_numpy().any()
    return frame if tested else frame.drop(columns=list(TESTS))


def read(frame: pd.DataFrame) -> dict[RowKey, dict[str, Number]]:
    """Return {row: {number: its parts}} of a long frame."""
    columns = [column for column in COLUMNS if column in frame]
    found: dict[RowKey, dict[str, Number]] = {}
    for key, line in zip(frame.index, frame.to_dict("records"), strict=True):
        parts = {column: line[column] for column in columns}
        found.setdefault(RowKey(*key), {})[line["number"]] = Number(**{**parts, "n": int(parts["n"])})
    return found


def names_in(frame: pd.DataFrame) -> list[str]:
    """Return the names of the numbers of a frame, in their order."""
    return list(dict.fromkeys(frame["number"]))
