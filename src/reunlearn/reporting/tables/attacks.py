"""Membership-inference attacks: each one's own number, and its AUC over seeds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from reunlearn.metrics.seeds_then_samples import interval_over_seeds
from reunlearn.metrics.separation import METRICS
from reunlearn.reporting import numbers
from reunlearn.reporting.cards import of_measure, short_unit
from reunlearn.reporting.cells import RUNS, Cell, Column, Row, Table, absent, column_of, runs_cell
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, Numbers, frame_of, read
from reunlearn.reporting.rows import Counts
from reunlearn.reporting.tables import _measured
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="attacks",
    title="Attacks",
    summary="each attack's own number; below, mean AUC over seeds with its 95 % interval",
    order=20,
)
NOTE = (
    "Bold: the interval does not contain 0.5. n is the number of seeds: {seeds}. With several seeds, seeds are drawn "
    "first, then the AUC of each drawn seed from its own sampling error; with one, the interval is over its samples. "
    "All seeds are attacked with the same test samples: the interval says what other seeds would give with these test "
    "samples, and may be too narrow for others."
)
ENDS = ("", "_low", "_high")  # of the names of a run's number and of the ends of its interval


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return of each attack a its own number a, and a.auc, a.tpr_at_fpr_1, a.tpr_at_fpr_0_1, a.balanced_accuracy.

    These four are means over seeds (n: finished runs that have it) with the ends of their intervals.
    """
    attacks = list(data.attacks)
    own = _measured.means(data, attacks)
    return frame_of({row: own[row] | _over_seeds(runs, attacks) for row, runs in data.finished.items()})


def _over_seeds(runs: pd.DataFrame, attacks: Sequence[str]) -> dict[str, Number]:
    """Return a.m of the finished runs of a row for each attack a and each m of METRICS."""
    names = [f"{attack}.{metric}" for attack in attacks for metric in METRICS]
    runs = runs.reindex(columns=[f"{name}{end}" for name in names for end in ENDS])
    found = {}
    for name in names:
        interval = interval_over_seeds(*(runs[f"{name}{end}"].to_numpy() for end in ENDS))
        count = int(runs[name].notna().sum())
        found[name] = Number(interval.value, n=count, low=interval.low, high=interval.high)
    return found


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per attack."""
    if frame.empty:
        return None
    columns = [column_of(name, of_measure(card), short_unit(card)) for name, card in data.attacks.items()]
    values = read(frame)
    shown = []
    for row, found in values.items():
        counts = data.counts[row]
        shown.append(Row(row, (*(_cell(found, column, counts) for column in columns), runs_cell(counts))))
    seeds = sorted({found[f"{name}.auc"].n for found in values.values() for name in data.attacks} - {0})
    note = NOTE.format(seeds=numbers.span(seeds[0], seeds[-1]) if seeds else "none")
    return Table(CARD, data.name, (*columns, RUNS), tuple(shown), (note,))


def _cell(found: Numbers, column: Column, counts: Counts) -> Cell:
    if missing := absent(counts):
        return missing
    own, area = found[column.key], found[f"{column.key}.auc"]
    main = numbers.with_deviation(own.mean, own.std, 1 if column.unit in ("%", "pp") else 2)
    if not numbers.known(area.low):
        return Cell(main, value=own.mean)
    below = f"{numbers.plain(area.mean, 2)} {numbers.interval(area.low, area.high)}"
    return Cell(main, below, tone="" if area.low <= 0.5 <= area.high else "strong", value=own.mean)
