"""The numbers of the tables, unformatted: one entry per row, from the tidy results.

Retrain is the reference of every gap. The second retrained models are the noise floor, a gap that no method can be
asked to beat.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from reunlearn.metrics.seeds_then_samples import interval_over_seeds
from reunlearn.metrics.separation import METRICS
from reunlearn.metrics.statistics import average_gap, gap, summarise
from reunlearn.reporting import rows
from reunlearn.reporting.costs import cost
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.rows import RETRAIN, RowKey


def method_table(data: ExperimentData) -> pd.DataFrame:
    """Return the table of methods.

    Returns:
        Index method, reading, label; columns finished, diverged, missing (runs); per number m of the headline: m_mean,
        m_std, m_n, m_gap; avg_gap, mark ("best", "second", ""), seconds, time_ratio (to Retrain), drawn_<set>
        (samples), passes_<set>.
    """
    metrics = data.headline.metrics
    gaps = gap_entries(data, metrics)
    entries = {
        row: {
            **rows.counts_of(part),
            **gaps[row],
            "avg_gap": average_gap([gaps[row][f"{metric}_gap"] for metric in metrics]),
            **cost(data, row),
        }
        for row, part in data.by_row.items()
    }
    table = rows.table(entries)
    table.insert(table.columns.get_loc("avg_gap") + 1, "mark", marks(table, data.headline.gap_decimals))
    return table


def gap_entries(data: ExperimentData, metrics: Sequence[str]) -> dict[RowKey, dict[str, float]]:
    """Return of each row, per metric m: m_mean, m_std, m_n, m_gap (to Retrain).

    The mean is over all finished runs. The gap is over the seeds in which neither the row's run nor Retrain's diverged
    or is missing: otherwise it would compare means over other seeds.
    """
    retrain = data.by_row.get(RETRAIN, data.results.iloc[:0])
    entries: dict[RowKey, dict[str, float]] = {}
    for row, part in data.by_row.items():
        values = rows.values_of(part)
        of_row, of_retrain = (runs.mean() for runs in rows.compared(part, retrain, list(metrics)))
        entries[row] = {}
        for metric in metrics:
            entries[row] |= summary_entry(metric, values.get(metric, []))
            entries[row][f"{metric}_gap"] = gap(float(of_row[metric]), float(of_retrain[metric]))
    return entries


def summary_entry(name: str, values: np.ndarray | Sequence[float]) -> dict[str, float]:
    """Return name_mean, name_std and name_n."""
    summary = summarise(values)
    return {f"{name}_mean": summary.mean, f"{name}_std": summary.std, f"{name}_n": summary.n}


def marks(table: pd.DataFrame, decimals: int) -> list[str]:
    """Return best and second best by Avg. Gap, among the methods of which every run finished.

    Gaps that are equal when written with `decimals` share a rank; two that share the first leave no second.
    """
    whole = (table["diverged"] == 0) & (table["missing"] == 0)
    judged = table["avg_gap"].where(whole & ~table.index.isin(rows.REFERENCES)).round(decimals)
    rank = judged.rank(method="min")
    return ["best" if r == 1 else "second" if r == 2 else "" for r in rank]


def attack_table(data: ExperimentData) -> pd.DataFrame:
    """Return the table of attacks.

    Per attack a: a_mean, a_std, a_n; a_auc, a_tpr_at_fpr_1, a_tpr_at_fpr_0_1, a_balanced_accuracy, each the mean over
    seeds with the ends …_low and …_high of its interval; a_seeds, over how many seeds (finished runs with an AUC).
    """
    entries = {}
    for row, part in data.by_row.items():
        values = rows.values_of(part)
        entry: dict[str, float] = {**rows.counts_of(part)}
        for attack in data.attacks:
            entry |= summary_entry(attack, values.get(attack, []))
            entry[f"{attack}_seeds"] = summarise(values.get(f"{attack}.auc", [])).n
        entry |= _over_seeds(part, list(data.attacks))
        entries[row] = entry
    return rows.table(entries)


def _over_seeds(part: pd.DataFrame, attacks: Sequence[str]) -> dict[str, float]:
    """Return of one row a_m, a_m_low and a_m_high for each attack a and each m of METRICS."""
    ends = ("", "_low", "_high")
    numbers = [f"{attack}.{metric}{end}" for attack in attacks for metric in METRICS for end in ends]
    runs = rows.per_run(part, numbers)
    entry: dict[str, float] = {}
    for name in numbers[:: len(ends)]:
        interval = interval_over_seeds(*(runs[f"{name}{end}"].to_numpy() for end in ends))
        values = zip(ends, (interval.value, interval.low, interval.high), strict=True)
        entry |= {f"{name}{end}".replace(".", "_", 1): value for end, value in values}
    return entry


def metric_table(data: ExperimentData) -> pd.DataFrame:
    """Return mean, std and n of everything that was measured: one entry per row and metric."""
    entries = []
    for row, part in data.by_row.items():
        for metric, values in rows.values_of(part).items():
            summary = summarise(values)
            entries.append((*row, metric, summary.mean, summary.std, summary.n))
    return pd.DataFrame(entries, columns=[*rows.KEY, "metric", "mean", "std", "n"]).set_index(rows.KEY)
