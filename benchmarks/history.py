"""The figures of benchmarks, run by run: `benchmarks/history.jsonl`, a line per run, for plot.py to draw.

A figure keeps its name from run to run: it is a line of the plot.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from machine import facts

FILE = Path(__file__).resolve().parent / "history.jsonl"


@dataclass(frozen=True)
class Row:
    """One figure.

    Attributes:
        figure: its name.
        value: what was measured.
        unit: × for a ratio.
        wanted: the target; None where there is none.
        at_most: whether the target is the most that the value may be, and not the least.
        details: further numbers, with their units in the names.
    """

    figure: str
    value: float
    unit: str = "×"
    wanted: float | None = None
    at_most: bool = False
    details: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.wanted is None:
            return None
        return self.value <= self.wanted if self.at_most else self.value >= self.wanted

    @property
    def target(self) -> str:
        """The target and whether it is met, in words."""
        if self.wanted is None:
            return ""
        words = f"{'at most' if self.at_most else 'at least'} {number(self.wanted)}"
        return f"{words}: {'met' if self.met else 'missed'}"


@dataclass(frozen=True)
class Entry:
    """One run of a benchmark."""

    benchmark: str
    date: str
    machine: Mapping[str, str | int]
    rows: tuple[Row, ...]


def number(value: float | str) -> str:
    """Return a number in as many digits as tell something."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    if value and abs(value) < 0.01:
        return f"{value:.1e}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}" if abs(value) < 1 else f"{value:.2f}"


def told(details: Mapping[str, float | str]) -> str:
    """Return further numbers as one line."""
    return ", ".join(f"{name} {number(value)}" for name, value in details.items())


def show(rows: Sequence[Row]) -> None:
    """Print the figures as a table."""
    width = max(len(row.figure) for row in rows)
    for row in rows:
        value = f"{number(row.value)} {row.unit}"
        print(
            f"  {row.figure:<{width}}  {value:>16}  {row.target:<22} {told(row.details)}".rstrip(), flush=True
        )


def note(benchmark: str, rows: Sequence[Row], file: Path = FILE) -> None:
    """Append a run of a benchmark to the history: a line of JSON."""
    entry = Entry(benchmark, datetime.now(UTC).date().isoformat(), facts(), tuple(rows))
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(asdict(entry), ensure_ascii=False, allow_nan=False) + "\n")


def read(file: Path = FILE) -> list[Entry]:
    """Return the runs, oldest first."""
    return [_entry(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]


def _entry(content: dict[str, Any]) -> Entry:
    return Entry(**{**content, "rows": tuple(Row(**row) for row in content["rows"])})


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the arguments that all benchmarks have."""
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, few turns; not noted in the history"
    )
    return parser


def publish(benchmark: str, rows: Sequence[Row], quick: bool) -> None:
    """Print the figures; note them, unless they are of the quick form, whose sizes are others."""
    show(rows)
    if not quick:
        note(benchmark, rows)
