"""What a row costs: run time, its share of Retrain's, training-time state, passes over data, memory, relearn time."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cards import COSTS
from reunlearn.reporting.cells import NOTHING, Cell, Row, Table, absent, column_of
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, frame_of, names_in, number_of, read
from reunlearn.reporting.parts.cost import passes, time_ratio
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="costs",
    title="Costs",
    summary="what a row costs; mean ± standard deviation over seeds",
    order=100,
    folded=True,
    audit=False,
)
MEASURED = {  # cost: number of a run
    "seconds": "seconds_run",
    "state": "seconds_state",
    "peak_memory_mib": "peak_memory_mib",
    "peak_gpu_memory_mib": "peak_gpu_memory_mib",
    "relearn_epochs": "relearn_epochs",
}
DURATIONS = ("seconds", "state")
DECIMALS = {"peak_memory_mib": 0, "peak_gpu_memory_mib": 0}
NOTE = "Run times are compared between equal devices, processors and numbers of threads only; a dash where they differ."


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return the costs that are known of some row: those of COSTS."""
    entries = {}
    for row, runs in data.finished.items():
        found = {name: number_of(rows.values(runs, metric)) for name, metric in MEASURED.items()}
        found["time_share"] = Number(100 * time_ratio(data, row))
        found |= {f"passes_{name}": Number(mean) for name, mean in passes(runs).items()}
        entries[row] = found
    known = [name for name in COSTS if any(found[name].known for found in entries.values())]
    return frame_of({row: {name: found[name] for name in known} for row, found in entries.items()})


def show(frame: pd.DataFrame, data: ExperimentData) -> Table | None:
    """Return a column per cost."""
    if frame.empty:
        return None
    names = names_in(frame)
    shown = [
        Row(row, tuple(absent(data.counts[row]) or _cell(found[name], name) for name in names))
        for row, found in read(frame).items()
    ]
    return Table(CARD, data.name, tuple(column_of(n, COSTS[n]) for n in names), tuple(shown), (NOTE,))


def _cell(number: Number, cost: str) -> Cell:
    if not number.known:
        return NOTHING
    if cost in DURATIONS:
        below = f"± {numbers.seconds(number.std)}" if numbers.known(number.std) else ""
        return Cell(numbers.seconds(number.mean), below, value=number.mean)
    return Cell(numbers.with_deviation(number.mean, number.std, DECIMALS.get(cost, 1)), value=number.mean)
