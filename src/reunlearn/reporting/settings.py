"""Rows of one method that differ in a hyper-parameter: what sweeps are drawn from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey, key_of
from reunlearn.study.cards import Value

Settings = Mapping[str, Value]


@dataclass(frozen=True)
class Sweep:
    """One hyper-parameter of one method in several values, all others at one value.

    Attributes:
        method: with its reading, as the rows are called.
        setting: the hyper-parameter.
        rows: by its value, ascending.
    """

    method: str
    setting: str
    rows: Mapping[float, RowKey]


def settings_of(data: ExperimentData) -> dict[RowKey, Settings]:
    """Return every hyper-parameter of each row that is a method."""
    return {key_of(run.row): run.method.settings for run in data.runs if run.method is not None}


def sweeps_of(data: ExperimentData) -> list[Sweep]:
    """Return every sweep of an experiment: over numbers, at least two values.

    The base of a method's sweeps is its row in which most settings have the value that most rows give them.
    """
    by_method: dict[tuple[str, str], dict[RowKey, Settings]] = {}
    for row, settings in settings_of(data).items():
        by_method.setdefault((row.method, row.reading), {})[row] = settings
    return [
        sweep
        for (method, reading), rows in by_method.items()
        for sweep in _sweeps(RowKey(method, reading).heading, rows)
    ]


def _sweeps(method: str, rows: Mapping[RowKey, Settings]) -> list[Sweep]:
    base = max(rows.values(), key=lambda settings: sum(_agreeing(settings, other) for other in rows.values()))
    found = []
    for setting in base:
        swept: dict[float, RowKey] = {}
        for row, settings in rows.items():
            value = settings[setting]
            others = {name for name in base if settings[name] != base[name]}
            if others <= {setting} and isinstance(value, (int, float)) and not isinstance(value, bool):
                swept.setdefault(float(value), row)
        if len(swept) > 1:
            found.append(Sweep(method, setting, dict(sorted(swept.items()))))
    return found


def _agreeing(settings: Settings, other: Settings) -> int:
    return sum(settings[name] == other.get(name) for name in settings)
