"""A paper's printed numbers beside ours, with a verdict on each: agreement, or why there is nothing to compare."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from reunlearn.metrics.statistics import Summary, summarise
from reunlearn.metrics.verdict import NOT_COMPARABLE, OURS, OUTSIDE, PAPER, VERDICTS, verdict
from reunlearn.reporting import numbers, printed, rows
from reunlearn.reporting.experiment_data import ExperimentData, PrintedRow
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.rows import RowKey
from reunlearn.reporting.seeds import by_seed
from reunlearn.reporting.study_cards import PRINTED
from reunlearn.study.schema import Experiment

TONES = {PAPER: "best", OURS: "second", OUTSIDE: "bad", NOT_COMPARABLE: "muted"}
NOTE = (
    "A verdict allows two deviations, and half a unit of the last printed digit: first the paper's own, then ours. "
    "The noise floor is compared with the paper's Retrain. Agreement in a column means little where the column hardly "
    "varies."
)
NOBODY = RowKey("")  # stands for the row of a printed method that this study does not run
UNKNOWN = Summary(float("nan"), float("nan"), 0)


def reported_table(data: ExperimentData, averages: pd.DataFrame) -> pd.DataFrame:
    """Return one entry per printed number and row of ours.

    Columns: method, reading, label, printed_method, metric, printed, printed_std, ours, ours_std, n, verdict, reason,
    note.

    Args:
        data: of the experiment.
        averages: what `average_table` returns.
    """
    names = set(data.results["metric"])
    runs = by_seed(data, sorted(names))
    entries = []
    for printed_row in data.printed:
        for row in printed.rows_of(printed_row["method"], runs) or [NOBODY]:
            ours, missing = _ours(printed_row, row, runs.get(row), averages=averages, measured=names)
            entries.append(_entry(printed_row, row, ours, _obstacle(printed_row, data.experiment) or missing))
    return pd.DataFrame(entries)


def _entry(printed_row: PrintedRow, row: RowKey, ours: Summary, obstacle: str) -> dict[str, Any]:
    """Return one entry of the table; `obstacle`: why the two numbers cannot be compared, or nothing."""
    theirs = Summary(_number(printed_row["mean"]), _number(printed_row["std"]), 0)
    judged = verdict(ours, theirs, obstacle)
    return {
        **row._asdict(),
        "printed_method": printed_row["method"],
        "metric": printed_row["metric"],
        "printed": theirs.mean,
        "printed_std": theirs.std,
        "ours": ours.mean,
        "ours_std": ours.std,
        "n": ours.n,
        "verdict": judged.kind,
        "reason": judged.reason,
        "note": printed_row["note"],
    }


def _number(text: str) -> float:
    return float(text) if text else float("nan")


def _ours(
    printed_row: PrintedRow,
    row: RowKey,
    runs: pd.DataFrame | None,
    *,
    averages: pd.DataFrame,
    measured: set[str],
) -> tuple[Summary, str]:
    """Return our number for a printed one, and why there is none."""
    paper, metric = printed_row["paper"], printed_row["metric"]
    if runs is None:
        return UNKNOWN, "this study does not run it"
    if metric in printed.ELSEWHERE:
        return UNKNOWN, printed.ELSEWHERE[metric]
    average = printed.AVERAGES.get((paper, metric))
    if average is not None:
        value = float(averages.loc[row, average])
        if not numbers.known(value):
            return UNKNOWN, "a column that it averages was not measured"
        return Summary(value, float("nan"), len(runs)), ""
    counterpart = printed.COUNTERPARTS.get(paper, {}).get(metric)
    if counterpart is None:
        return UNKNOWN, "nothing here is defined like it"
    lacking = [m for m in counterpart.metrics if m not in measured]
    if lacking:
        return UNKNOWN, f"{lacking[0]} was not measured"
    as_measured = {m: runs[printed.augmented(paper, m, measured)] for m in counterpart.metrics}
    return summarise(counterpart.of(pd.DataFrame(as_measured, index=runs.index)).to_numpy()), ""


def _obstacle(printed_row: PrintedRow, experiment: Experiment) -> str:
    """Return in what the experiment differs from the printed setting; nothing if they agree as far as can be seen."""
    dataset, scenario = experiment.dataset, experiment.scenario
    if printed.key(printed_row["dataset"]) != printed.key(dataset.name):
        return f"printed for {printed_row['dataset']}"
    if printed.key(printed_row["model"]) != printed.key(experiment.architecture.name):
        return f"printed for {printed_row['model']}"
    if dataset.train:
        return f"ours trains on {dataset.train} samples only"
    if scenario.kind == "random" and printed_row["fraction"].endswith("%"):
        share = float(printed_row["fraction"].removesuffix("%"))
        if abs(share - 100 * (getattr(scenario, "fraction", None) or 0)) > 1e-9:
            return f"printed for {printed_row['fraction']} forgotten"
    elif (scenario.kind == "random") != printed_row["scenario"].startswith("random"):
        return f"printed for another scenario: {printed_row['scenario']}"
    recipe = printed.RECIPES.get(printed_row["paper"])
    if recipe is None or not experiment.recipe.startswith(recipe):
        return f"trained by the recipe {experiment.recipe}, not by the paper's"
    return ""


def reported_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return ours beside what is printed: a column per printed metric."""
    ours = table[table["method"] != NOBODY.method]
    metrics = list(dict.fromkeys(ours["metric"]))
    columns = [
        Column(f"m{place}", m, "", PRINTED.model_copy(update={"title": m})) for place, m in enumerate(metrics)
    ]
    grid_rows = []
    for key, entries in ours.groupby(rows.KEY, sort=False):
        row = RowKey(*key)
        by_metric = {entry["metric"]: entry for _, entry in entries.iterrows()}
        cells = tuple(_cell(by_metric.get(m)) for m in metrics)
        remark = "" if row.is_reference else f"printed as {entries['printed_method'].iloc[0]}"
        grid_rows.append(Row(row, cells, remark))
    return Grid(
        f"{experiment}-reported",
        title="Reported",
        caption="ours, mean ± standard deviation; below, what is printed and whether the two agree",
        columns=tuple(columns),
        rows=tuple(grid_rows),
        notes=(_summary(table), NOTE, *_reasons(ours)),
    )


def _cell(entry: pd.Series | None) -> Cell:
    if entry is None:
        return Cell(numbers.NOTHING, tone="muted")
    theirs = (
        f"{numbers.with_deviation(entry['printed'], entry['printed_std'], 2)} printed: {entry['verdict']}"
    )
    ours = numbers.with_deviation(entry["ours"], entry["ours_std"], 2)
    return Cell(ours, theirs, tone=TONES[entry["verdict"]], value=entry["ours"])


def _summary(table: pd.DataFrame) -> str:
    counts = Counter(table["verdict"])
    verdicts = ", ".join(f"{counts[kind]} {kind}" for kind in VERDICTS if counts[kind])
    absent = sorted(set(table.loc[table["method"] == NOBODY.method, "printed_method"]))
    more = f" Printed, but not run here: {', '.join(absent)}." if absent else ""
    return f"{len(table)} comparisons: {verdicts}.{more}"


def _reasons(ours: pd.DataFrame) -> list[str]:
    """Return once each reason why cells are not comparable, and each note on a printed number."""
    apart = ours[ours["verdict"] == NOT_COMPARABLE]
    sentences = [
        f"Not comparable, {reason}: {', '.join(dict.fromkeys(entries['metric']))}."
        for reason, entries in apart.groupby("reason", sort=False)
    ]
    notes = ours[ours["note"] != ""].drop_duplicates(["printed_method", "metric", "note"])
    return sentences + [
        f"{entry['printed_method']}, {entry['metric']}, as printed: {entry['note']}."
        for _, entry in notes.iterrows()
    ]
