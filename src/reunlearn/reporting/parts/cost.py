"""What a row costs: the ratio of its seconds to retraining, passes over the sets that its method may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from reunlearn.artifacts.gathered import JobResult
from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import rows
from reunlearn.reporting.experiment import ExperimentData, set_sizes
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.study.specs import RunSpec

SETS = ("retain", "forget")


def time_ratio(data: ExperimentData, row: RowKey) -> float:
    """Return seconds of a row's method / of Retrain's training; NaN where they are not comparable."""
    seconds = summarise(rows.values(data.finished[row], "seconds_run")).mean
    return seconds / _retrain_seconds(data) if is_comparable(data, row) else float("nan")


def passes(runs: pd.DataFrame) -> dict[str, float]:
    """Return the passes over retain, forget and train: samples that a run drew / size of the set, mean over runs.

    `runs`: the finished runs of a row.
    """
    sizes = set_sizes(runs)
    drawn = runs.reindex(columns=[f"drawn_{name}" for name in SETS])
    shares = {name: drawn[f"drawn_{name}"] / sizes[name] for name in SETS}
    shares["train"] = drawn.sum(axis=1, min_count=1) / sizes["train"]
    return {name: summarise(share.to_numpy()).mean for name, share in shares.items()}


def is_comparable(data: ExperimentData, row: RowKey) -> bool:
    """Tell whether a row's models and Retrain's share device, processor and threads, and each has one precision."""
    records = data.records(row) + data.records(RETRAIN)
    places = {(record.device, record.processor, record.threads) for record in records}
    return len(places) == 1 and not any(in_two_precisions(data, key) for key in (row, RETRAIN))


def in_two_precisions(data: ExperimentData, row: RowKey) -> bool:
    """Tell whether some models of a row were computed in full precision and others in mixed precision."""
    return len({record.precision or "full" for record in data.records(row)}) > 1


def timed_apart(runs: Iterable[RunSpec], jobs: Mapping[str, JobResult]) -> set[RowKey]:
    """Return the rows whose run time cannot be compared with Retrain's: `is_comparable`, without an experiment's data.

    Args:
        runs: of one experiment.
        jobs: finished jobs, by folder.
    """
    machines: dict[RowKey, set[tuple[object, ...]]] = {}
    for run in runs:
        found = machines.setdefault(rows.key_of(run.row), set())
        if run.model in jobs:
            record = jobs[run.model].record
            found.add((record.device, record.processor, record.threads))
    retrain = machines.get(RETRAIN, set())
    return {row for row, own in machines.items() if len(own | retrain) != 1}


def _retrain_seconds(data: ExperimentData) -> float:
    """Return the mean seconds of Retrain's training; NaN where they are not known."""
    records = [record for record in data.records(RETRAIN) if record.status != "diverged"]
    mean = summarise([record.seconds["run"] for record in records if "run" in record.seconds]).mean
    return mean if mean > 0 else np.nan
