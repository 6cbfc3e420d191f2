"""The table of costs: run time and its share of Retrain's, passes over data, memory, relearn time."""

from __future__ import annotations

import pandas as pd

from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import lines, numbers
from reunlearn.reporting.definitions import COSTS
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.grids import REMARKS, absent
from reunlearn.reporting.tables import values_of

MEASURED = ("peak_memory_mib", "peak_gpu_memory_mib", "relearn_epochs")
DECIMALS = {"time_share": 1, "peak_memory_mib": 0, "peak_gpu_memory_mib": 0}
NOTE = "Run times are compared between equal devices, processors and numbers of threads only; a dash where they differ."


def cost_table(results: pd.DataFrame, experiment: str, methods: pd.DataFrame, train: int) -> pd.DataFrame:
    """Return one line per method: per cost c: c_mean, c_std, c_n.

    Args:
        results: the tidy results of a study.
        experiment: its name.
        methods: its table of methods, which has run times, their ratio and the samples drawn.
        train: samples in the training set; 0 if that is not known.
    """
    frame = lines.of_experiment(results, experiment)
    found = []
    for line, own in methods.iterrows():
        values = values_of(frame[frame["line"] == line])
        entry = {"line": line, **{k: own[k] for k in ("finished", "diverged", "missing")}}
        for name, metric in [("seconds", "seconds_run"), *((m, m) for m in MEASURED)]:
            summary = summarise(values.get(metric, []))
            entry |= {f"{name}_mean": summary.mean, f"{name}_std": summary.std, f"{name}_n": summary.n}
        drawn = own[["drawn_retain", "drawn_forget"]]
        entry["time_share_mean"] = 100 * own["time_ratio"]
        entry |= {f"passes_{name}_mean": own[f"passes_{name}"] for name in ("retain", "forget")}
        known = train and drawn.notna().any()
        entry["passes_train_mean"] = float(drawn.fillna(0).sum()) / train if known else float("nan")
        found.append(entry)
    return pd.DataFrame(found).set_index("line")


def cost_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of costs; columns that nothing was measured for are left out."""
    shown = [name for name in COSTS if table[f"{name}_mean"].notna().any()]
    found = []
    for name, own in table.iterrows():
        cells = [absent(own) or _cell(own, column) for column in shown]
        found.append(Line(str(name), REMARKS.get(str(name), ""), name in lines.REFERENCES, tuple(cells)))
    columns = [Column(c, COSTS[c]["title"], COSTS[c]["unit"].partition(",")[0], COSTS[c]) for c in shown]
    caption = "what a line costs; mean ± standard deviation over seeds"
    return Grid(f"{experiment}-costs", caption, tuple(columns), tuple(found), (NOTE,), "Costs")


def _cell(own: pd.Series, column: str) -> Cell:
    mean, std = own[f"{column}_mean"], own.get(f"{column}_std", float("nan"))
    if not numbers.known(mean):
        return Cell(numbers.NOTHING, tone="muted")
    if column == "seconds":
        return Cell(numbers.seconds(mean), f"± {numbers.seconds(std)}" if numbers.known(std) else "")
    return Cell(numbers.with_deviation(mean, std, DECIMALS.get(column, 1)))
