"""The numbers of the tables, unformatted: one line per method, from the tidy results.

Retrain's runs with a method seed below 1000 are the reference of every gap; the second retrained models are
the noise floor, a gap that no method can be asked to beat.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reunlearn.metrics.separation import ranking
from reunlearn.metrics.statistics import average_gap, gap, summarise
from reunlearn.reporting import lines
from reunlearn.reporting.costs import cost

METRICS = ("accuracy_forget", "accuracy_retain", "accuracy_test", "entropy_logistic")
SHOWN_DECIMALS = 2  # of Avg. Gap: values that print alike share a rank


def gap_metrics(results: pd.DataFrame, experiment: str) -> list[str]:
    """Return the metrics whose gaps are averaged: those of METRICS that the experiment measures."""
    frame = lines.of_experiment(results, experiment)
    measured = set(frame.loc[frame["status"] != "missing", "metric"]) if len(frame) else set()
    return [m for m in METRICS if m in measured] or list(METRICS)


def method_table(results: pd.DataFrame, experiment: str, runs: dict[str, Any] | None = None) -> pd.DataFrame:
    """Return one line per method.

    Args:
        results: the tidy results of a study.
        experiment: its name.
        runs: the content of runs.json; without it the ratio of run times and the passes are NaN.

    Returns:
        Index `line`; columns finished, diverged, missing (runs); per metric m: m_mean, m_std, m_n, m_gap;
        avg_gap, mark ("best", "second", ""), seconds, time_ratio (to Retrain), drawn_<set> (samples),
        passes_<set>.
    """
    frame = lines.of_experiment(results, experiment)
    if frame.empty:
        raise ValueError(f"no experiment '{experiment}' in these results")
    metrics = gap_metrics(results, experiment)
    values = {line: values_of(frame[frame["line"] == line]) for line in lines.order(frame)}
    reference = {
        m: summarise(values[lines.RETRAIN].get(m, [])).mean if lines.RETRAIN in values else np.nan
        for m in metrics
    }
    found = []
    for line, numbers in values.items():
        entry: dict[str, Any] = {"line": line, **counts_of(frame[frame["line"] == line])}
        for metric in metrics:
            summary = summarise(numbers.get(metric, []))
            entry |= {f"{metric}_mean": summary.mean, f"{metric}_std": summary.std, f"{metric}_n": summary.n}
            entry[f"{metric}_gap"] = gap(summary.mean, reference[metric])
        entry["avg_gap"] = average_gap([entry[f"{m}_gap"] for m in metrics])
        found.append({**entry, **cost(line, numbers, experiment, runs)})
    table = pd.DataFrame(found).set_index("line")
    table.insert(table.columns.get_loc("avg_gap") + 1, "mark", marks(table))
    return table


def marks(table: pd.DataFrame) -> list[str]:
    """Return best and second best by Avg. Gap, among the methods of which every run finished.

    What prints alike shares a rank; two that share the first leave no second.
    """
    whole = (table["diverged"] == 0) & (table["missing"] == 0)
    judged = table["avg_gap"].where(whole & ~table.index.isin(lines.REFERENCES)).round(SHOWN_DECIMALS)
    rank = judged.rank(method="min")
    return ["best" if r == 1 else "second" if r == 2 else "" for r in rank]


def attack_table(
    results: pd.DataFrame, scores: pd.DataFrame, experiment: str, attacks: list[str]
) -> pd.DataFrame:
    """Return one line per method.

    Per attack a: a_mean, a_std, a_n; a_auc, a_tpr_at_fpr_1, a_tpr_at_fpr_0_1, a_balanced_accuracy, each with the ends
    …_low and …_high of its interval; a_members, a_others (scores).
    These readings are over the scores of all finished runs of a line together, as they are.
    """
    frame = lines.of_experiment(results, experiment)
    pooled = lines.of_experiment(lines.only_finished(scores, results), experiment)
    found = []
    for line in lines.order(frame):
        own = frame[frame["line"] == line]
        entry: dict[str, Any] = {"line": line, **counts_of(own)}
        numbers = values_of(own)
        for attack in attacks:
            summary = summarise(numbers.get(attack, []))
            entry |= {f"{attack}_mean": summary.mean, f"{attack}_std": summary.std, f"{attack}_n": summary.n}
            member, other = pooled_scores(pooled, line, attack)
            entry |= {f"{attack}_{name}": value for name, value in ranking(member, other).items()}
            entry |= {f"{attack}_members": len(member), f"{attack}_others": len(other)}
        found.append(entry)
    return pd.DataFrame(found).set_index("line")


def pooled_scores(scores: pd.DataFrame, line: str, attack: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the scores of members and of others of one line, over its runs."""
    if scores.empty:
        return np.empty(0), np.empty(0)
    own = scores[(scores["line"] == line) & (scores["attack"] == attack)]
    member = own["member"].to_numpy(dtype=bool)
    score = own["score"].to_numpy(dtype=float)
    return score[member], score[~member]


def metric_table(results: pd.DataFrame, experiment: str) -> pd.DataFrame:
    """Return mean, std and n of everything that was measured: one line per method and metric."""
    frame = lines.of_experiment(results, experiment)
    found = []
    for line in lines.order(frame):
        for metric, values in values_of(frame[frame["line"] == line]).items():
            summary = summarise(values)
            found.append(
                {"line": line, "metric": metric, "mean": summary.mean, "std": summary.std, "n": summary.n}
            )
    return pd.DataFrame(found, columns=["line", "metric", "mean", "std", "n"])


def values_of(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Return {metric: values of the finished runs} of one line."""
    finished = frame[frame["status"] == "finished"]
    return {m: g.to_numpy(dtype=float) for m, g in finished.groupby("metric", sort=True)["value"]}


def counts_of(frame: pd.DataFrame) -> dict[str, int]:
    """Return how many runs of one line finished, diverged, are missing."""
    status = frame.drop_duplicates(lines.RUN)["status"]
    return {name: int((status == name).sum()) for name in ("finished", "diverged", "missing")}
