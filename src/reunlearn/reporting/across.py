"""Several experiments as points of one line: what differs between them is how much, or which step, is forgotten."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import rows
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.rows import RowKey

Placed = Mapping[float, Sequence[ExperimentData]]  # by the place on the horizontal axis, ascending


@dataclass(frozen=True)
class Line:
    """Experiments that share dataset, network, recipe and kind of scenario, at two places at least."""

    title: str
    experiments: Placed

    @property
    def rows(self) -> list[RowKey]:
        """The rows of all of them."""
        return list(dict.fromkeys(row for _, data in self.placed for row in data.by_row))

    @property
    def placed(self) -> list[tuple[float, ExperimentData]]:
        """Every experiment with its place."""
        return [(place, data) for place, here in self.experiments.items() for data in here]

    def values(self, row: RowKey, number: Callable[[ExperimentData, RowKey], float]) -> np.ndarray:
        """Return a number of a row at each place, of the first experiment there that has it; NaN where none has."""
        return np.array([_first(here, row, number) for here in self.experiments.values()])


def lines_of(
    experiments: Sequence[ExperimentData], place: Callable[[ExperimentData], float | None]
) -> list[Line]:
    """Return the lines that experiments are on; `place`: of an experiment, None where it is on none."""
    groups: dict[tuple[str, ...], dict[float, list[ExperimentData]]] = {}
    for data in experiments:
        where = place(data)
        if where is not None:
            groups.setdefault(_setting(data), {}).setdefault(where, []).append(data)
    known = list(groups)
    return [
        Line(_title(key, known), dict(sorted(group.items())))
        for key, group in groups.items()
        if len(group) > 1
    ]


def _title(setting: tuple[str, ...], settings: Sequence[tuple[str, ...]]) -> str:
    """Return what tells a line from others: dataset and network, and of the rest what these two share with others."""
    alike = zip(*(other[2:] for other in settings if other[:2] == setting[:2]), strict=True)
    rest = [part for part, parts in zip(setting[2:], alike, strict=True) if len(set(parts)) > 1]
    return ", ".join([*setting[:2], *rest])


def _first(
    experiments: Sequence[ExperimentData], row: RowKey, number: Callable[[ExperimentData, RowKey], float]
) -> float:
    found = (number(data, row) for data in experiments if row in data.by_row)
    return next((value for value in found if math.isfinite(value)), math.nan)


def _setting(data: ExperimentData) -> tuple[str, ...]:
    experiment = data.experiment
    return (
        experiment.dataset.name,
        experiment.architecture.key,
        experiment.recipe.name,
        experiment.scenario.kind,
    )


def mean_of(data: ExperimentData, row: RowKey, metric: str) -> float:
    """Return the mean of a number over the finished runs of a row; NaN where none has it."""
    return summarise(rows.values(data.finished[row], metric)).mean


def forget_share(data: ExperimentData) -> float | None:
    """Return the share in per cent of the training set that is forgotten; None where nothing was measured."""
    sizes = data.sizes
    return 100 * sizes.forget[0] / sizes.train[0] if sizes and sizes.train[0] else None
