"""One experiment as it stands in the page: setting, finding, tables, figures, runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from reunlearn.reporting import further, lines
from reunlearn.reporting.drawings import Drawing, draw_all
from reunlearn.reporting.finding import Finding, find
from reunlearn.reporting.forgotten import forgotten
from reunlearn.reporting.grid import Grid
from reunlearn.reporting.grids import attack_grid, method_grid
from reunlearn.reporting.tables import attack_table, method_table, metric_table


@dataclass(frozen=True)
class Run:
    """One evaluated model."""

    line: str
    seeds: str
    status: str
    folder: str


@dataclass(frozen=True)
class Section:
    """Everything about one experiment."""

    name: str
    setting: tuple[tuple[str, str], ...]
    finding: Finding
    grids: tuple[Grid, ...]
    numbers: dict[str, pd.DataFrame]  # by the name of the CSV file
    drawings: tuple[Drawing, ...]
    absent: tuple[str, ...]
    runs: tuple[Run, ...]


def build(
    experiment: dict[str, Any],
    results: pd.DataFrame,
    samples: pd.DataFrame,
    scores: pd.DataFrame,
    runs: dict[str, Any],
    cards: dict[str, dict[str, Any]],
    classes: pd.DataFrame | None = None,
    printed: list[dict[str, str]] | None = None,
) -> Section:
    """Return the section of one experiment.

    Args:
        experiment: its part of the study.
        results, samples, scores: the tidy tables of the study.
        runs: the content of runs.json, with `sizes` of the sets.
        cards: definition cards of the attacks.
        classes: true and predicted classes, a tidy table of the study.
        printed: the printed numbers that the study names for this experiment.
    """
    name, attacks = experiment["name"], list(experiment["attacks"])
    methods = method_table(results, name, runs)
    against = attack_table(results, scores, name, attacks)
    finished = [lines.of_experiment(lines.only_finished(f, results), name) for f in (samples, scores)]
    drawings, absent = draw_all(name, methods, finished[0], finished[1], attacks)
    grids = [method_grid(methods, name, cards)] + ([attack_grid(against, name, cards)] if attacks else [])
    sizes = runs.get("sizes", {}).get(name, {})
    by_class = pd.DataFrame() if classes is None else classes
    names = {lines.line_of(r): r["method"]["name"] for r in runs["rows"] if r["method"]}
    more = further.build(experiment, results, by_class, methods, sizes.get("train", 0), names, printed or [])
    return Section(
        name=name,
        setting=setting(experiment, sizes, _seeds(name, runs), cards),
        finding=find(methods),
        grids=(*grids, *more.grids),
        numbers={
            f"{name}-methods": methods,
            f"{name}-attacks": against,
            f"{name}-metrics": metric_table(results, name).set_index("line"),
            **more.numbers,
        },
        drawings=tuple(drawings),
        absent=tuple(absent),
        runs=tuple(_runs(name, results, runs)),
    )


def setting(
    experiment: dict[str, Any], sizes: dict[str, int], seeds: list[int], cards: dict[str, dict[str, Any]]
) -> tuple[tuple[str, str], ...]:
    """Return (what, value) pairs that say what was run; of the shadow models those that attacks read."""
    scenario, architecture = experiment["scenario"], experiment["architecture"]
    options = ", ".join(f"{k} {v}" for k, v in architecture["settings"].items())
    found = [
        (
            "Forget",
            forgotten(scenario) + (f": {sizes['forget']} of {sizes['train']} samples" if sizes else ""),
        ),
        ("Data", experiment["dataset"]["name"]),
        ("Network", architecture["name"] + (f" ({options})" if options else "")),
        ("Recipe", experiment["recipe"]),
        ("Seeds", ", ".join(map(str, seeds))),
    ]
    kinds = {kind for attack in experiment["attacks"] for kind in cards.get(attack, {}).get("pools", ())}
    if kinds:
        read = [f"{count} {kind}" for kind, count in experiment["shadows"].items() if kind in kinds]
        found.append(("Shadow models", ", ".join(read)))
    return tuple(found)


def _seeds(name: str, runs: dict[str, Any]) -> list[int]:
    """Return the training seeds that were asked for: fewer than the study's where it was narrowed."""
    return sorted({row["train_seed"] for row in runs["rows"] if row["experiment"] == name})


def _runs(name: str, results: pd.DataFrame, runs: dict[str, Any]) -> list[Run]:
    """Return every evaluated model with its status, in the order of the plan."""
    own = results[results["experiment"] == name].drop_duplicates(["row", *lines.RUN])
    keys = own[["row", *lines.RUN]].itertuples(index=False, name=None)
    status = dict(zip(keys, own["status"], strict=True))
    found = []
    for row in runs["rows"]:
        if row["experiment"] == name:
            seeds = tuple(row[k] for k in lines.RUN)
            text = "/".join(map(str, seeds))
            found.append(Run(lines.line_of(row), text, status[(row["name"], *seeds)], row["model"]))
    return found
