"""Tables of readings: mean ± deviation over seeds of some metrics, with the gap to Retrain where there is one."""

from __future__ import annotations

from typing import Any

import pandas as pd

from reunlearn.metrics.statistics import gap, summarise
from reunlearn.reporting import lines, numbers
from reunlearn.reporting.definitions import ACCURACIES, DISTANCES
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.grids import REMARKS, absent
from reunlearn.reporting.tables import counts_of, values_of

DISTANCE_NOTE = (
    "Retrain's own line is its distance from the second retrained model, as the noise floor's is from Retrain. "
    "These two start from different initial weights; Retrain and the original share theirs where a study gives them "
    "one seed, so a model can lie below the floor without having forgotten anything: look at the original's line, "
    "too."
)


def measured_table(results: pd.DataFrame, experiment: str, metrics: list[str]) -> pd.DataFrame:
    """Return one line per method: finished, diverged, missing; per metric m: m_mean, m_std, m_n, m_gap (to Retrain).

    Metrics that no run of the experiment measured are left out.
    """
    frame = lines.of_experiment(results, experiment)
    measured = set(frame.loc[frame["status"] != "missing", "metric"]) if len(frame) else set()
    shown = [m for m in metrics if m in measured]
    values = {line: values_of(frame[frame["line"] == line]) for line in lines.order(frame)}
    retrain = {m: summarise(values.get(lines.RETRAIN, {}).get(m, [])).mean for m in shown}
    found = []
    for line, own in values.items():
        entry: dict[str, Any] = {"line": line, **counts_of(frame[frame["line"] == line])}
        for metric in shown:
            summary = summarise(own.get(metric, []))
            entry |= {f"{metric}_mean": summary.mean, f"{metric}_std": summary.std, f"{metric}_n": summary.n}
            entry[f"{metric}_gap"] = gap(summary.mean, retrain[metric])
        found.append(entry)
    return pd.DataFrame(found).set_index("line")


def distance_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of distances from Retrain; their gaps are no further distance, so they are not shown."""
    caption = "how far outputs and weights lie from Retrain's; mean ± standard deviation over seeds"
    return _grid(table, experiment, "Distances", caption, DISTANCES, 3, (DISTANCE_NOTE,), gaps=False)


def accuracy_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of accuracies on further sets and under augmentation."""
    caption = "mean ± standard deviation over seeds; below, the gap to Retrain"
    return _grid(table, experiment, "Accuracies", caption, ACCURACIES, 1, (), gaps=True)


def _grid(
    table: pd.DataFrame,
    experiment: str,
    title: str,
    caption: str,
    cards: dict[str, dict[str, Any]],
    decimals: int,
    notes: tuple[str, ...],
    gaps: bool,
) -> Grid:
    metrics = [m for m in cards if f"{m}_mean" in table]
    columns = [Column(m, cards[m]["title"], cards[m]["unit"].partition(",")[0], cards[m]) for m in metrics]
    found = []
    for name, own in table.iterrows():
        line = str(name)
        cells = [_cell(own, m, decimals, gaps and line != lines.RETRAIN) for m in metrics]
        found.append(Line(line, REMARKS.get(line, ""), line in lines.REFERENCES, tuple(cells)))
    return Grid(f"{experiment}-{title.lower()}", caption, tuple(columns), tuple(found), notes, title)


def _cell(own: pd.Series, metric: str, decimals: int, with_gap: bool) -> Cell:
    main = numbers.with_deviation(own[f"{metric}_mean"], own[f"{metric}_std"], decimals)
    if main == numbers.NOTHING:
        return absent(own) or Cell(main, tone="muted")
    if own[f"{metric}_n"] != own["finished"]:
        main += f" (n = {own[f'{metric}_n']:.0f})"
    return Cell(main, numbers.plain(own[f"{metric}_gap"], decimals) if with_gap else "")
