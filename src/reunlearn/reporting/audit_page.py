"""The page of an audit: the section that a study's report has, around a model that no study made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from reunlearn.reporting import numbers, provenance
from reunlearn.reporting.finding import Finding
from reunlearn.reporting.grid import Grid
from reunlearn.reporting.page import Report, environment, files_of
from reunlearn.reporting.sections import build

CAPTIONS = {
    "Methods": "one line per model; below, the gap to Retrain",
    "Attacks": "each attack's own number; below, its AUC with its 95 % interval",
    "Distances": "how far outputs and weights lie from Retrain's",
    "Accuracies": "on further sets; below, the gap to Retrain",
}
UNSAID = ("seconds", "passes", "runs")  # columns that only a study can fill
NOT_OF_ONE = ("Significance", "Costs")  # tables that need seeds, or a known training


@dataclass(frozen=True)
class File:
    """A file that the audit read: what it is, where it lay, and what it held."""

    role: str
    path: str
    sha256: str


def make_audit_page(
    tables: dict[str, pd.DataFrame],
    runs: dict[str, Any],
    cards: dict[str, dict[str, Any]],
    sizes: dict[str, int],
    files: Sequence[File],
    left_out: dict[str, str],
    command: str,
) -> Report:
    """Return the page and the files beside it.

    Args:
        tables: results, samples, scores and classes, as the stage `aggregate` writes them, of one experiment.
        runs: the content of runs.json.
        cards: definition cards of the attacks.
        sizes: samples in forget, retain and train.
        files: what was read.
        left_out: attacks that did not run, with the reason.
        command: what makes the page again.
    """
    (experiment,) = runs["study"]["experiments"]
    name = experiment["name"]
    section = build(
        experiment,
        tables["results"],
        tables["samples"],
        tables["scores"],
        {**runs, "sizes": {name: sizes}},
        cards,
        tables["classes"],
    )
    shown = [_of_models(grid) for grid in section.grids if grid.title not in NOT_OF_ONE]
    setting = [pair for pair in section.setting if pair[0] != "Seeds"]
    unshown = {f"{name}-{title.lower()}" for title in NOT_OF_ONE}
    section = replace(
        section,
        grids=tuple(grid for grid in shown if grid.columns),
        setting=(*setting, ("Retain", f"{sizes['retain']} samples")),
        numbers={key: table for key, table in section.numbers.items() if key not in unshown},
        absent=(),
    )
    text = (
        environment()
        .get_template("audit.html")
        .render(
            study=runs["study"],
            s=section,
            sentence=sentence(section.finding),
            files=files,
            left_out=left_out,
            command=command,
            provenance=provenance.gather(runs),
        )
    )
    return Report(text, files_of(list(section.grids), section.numbers, list(section.drawings)))


def sentence(found: Finding) -> str:
    """Return what the gap to Retrain says of the audited model; without a reference it says so."""
    if not numbers.known(found.best_gap):
        return (
            "There is no Retrain to compare with (--reference): what a model that never saw the forget set would "
            "score is not known, so no number here alone tells whether it was forgotten."
        )
    text = f"The audited model lies {numbers.plain(found.best_gap, 2)} points (Avg. Gap) from Retrain"
    for value, who in ((found.original_gap, "the original"), (found.floor_gap, "another Retrain")):
        if numbers.known(value):
            text += f"; {who} {numbers.plain(value, 2)}"
    return text + "."


def _of_models(grid: Grid) -> Grid:
    """Return a grid without what is said of methods: a rank among one, columns and notes of seeds and costs."""
    kept = [
        place
        for place, column in enumerate(grid.columns)
        if column.key not in UNSAID and any(line.cells[place].main != numbers.NOTHING for line in grid.lines)
    ]
    found_lines = tuple(
        replace(
            line, cells=tuple(replace(c, tone="" if c.tone in ("best", "second") else c.tone) for c in picked)
        )
        for line in grid.lines
        for picked in [[line.cells[place] for place in kept]]
    )
    notes = () if grid.title == "Methods" else grid.notes
    return replace(
        grid,
        caption=CAPTIONS.get(grid.title, grid.caption),
        columns=tuple(grid.columns[place] for place in kept),
        lines=found_lines,
        notes=notes,
    )
