"""What a method costs: seconds, their ratio to retraining, passes over the sets it may see."""

from __future__ import annotations

from typing import Any

import numpy as np

from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import lines

SETS = ("retain", "forget")


def cost(
    line: str, numbers: dict[str, np.ndarray], experiment: str, runs: dict[str, Any] | None
) -> dict[str, float]:
    """Return seconds, time_ratio, drawn_<set> and passes_<set> of one line.

    Args:
        line: a line of the table.
        numbers: {metric: values of its finished runs}.
        experiment: the experiment's name.
        runs: the content of runs.json, or None.
    """
    found = {"seconds": summarise(numbers.get("seconds_run", [])).mean, "time_ratio": float("nan")}
    if runs is not None:
        reference = summarise(_seconds(runs, experiment, lines.RETRAIN)).mean
        if comparable(runs, experiment, line) and reference > 0:
            found["time_ratio"] = found["seconds"] / reference
    for name in SETS:
        drawn = summarise(numbers.get(f"drawn_{name}", [])).mean
        size = _size(runs, experiment, name)
        found |= {f"drawn_{name}": drawn, f"passes_{name}": drawn / size if size else float("nan")}
    return found


def comparable(runs: dict[str, Any], experiment: str, line: str) -> bool:
    """Tell whether a line's models and Retrain's share one device, processor and number of threads."""
    here = _conditions(runs, experiment, line) | _conditions(runs, experiment, lines.RETRAIN)
    return len(here) == 1


def _records(runs: dict[str, Any], experiment: str, line: str) -> list[dict[str, Any]]:
    rows = [r for r in runs["rows"] if r["experiment"] == experiment and lines.line_of(r) == line]
    return [runs["jobs"][r["model"]]["record"] for r in rows if r["model"] in runs["jobs"]]


def _conditions(runs: dict[str, Any], experiment: str, line: str) -> set[tuple[Any, ...]]:
    return {(r["device"], r["processor"], r["threads"]) for r in _records(runs, experiment, line)}


def _seconds(runs: dict[str, Any], experiment: str, line: str) -> list[float]:
    records = [r for r in _records(runs, experiment, line) if r.get("status") != "diverged"]
    return [r["seconds"]["run"] for r in records if "run" in r["seconds"]]


def _size(runs: dict[str, Any] | None, experiment: str, name: str) -> int:
    """Return the samples in a set; 0 if that is not known."""
    return (runs or {}).get("sizes", {}).get(experiment, {}).get(name, 0)


def set_sizes(
    runs: dict[str, Any], forget: dict[str, int], cards: dict[str, Any]
) -> dict[str, dict[str, int]]:
    """Return {experiment: {forget, retain, train}} as far as it is known.

    Args:
        runs: the content of runs.json.
        forget: samples to forget per experiment, counted in the outputs.
        cards: what the catalogue tells of datasets: the size of the official training set.
    """
    found: dict[str, dict[str, int]] = {}
    for experiment in runs["study"]["experiments"]:
        dataset = experiment["dataset"]
        train = dataset["train"] or cards.get(dataset["name"], {}).get("train", 0) - dataset["validation"]
        own = forget.get(experiment["name"], 0)
        if own and train > own:
            found[experiment["name"]] = {"forget": own, "retain": train - own, "train": train}
    return found
