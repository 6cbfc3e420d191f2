"""A paper's printed numbers beside ours, with a verdict on each: agreement, or why there is nothing to compare."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from reunlearn.metrics.statistics import Summary, summarise
from reunlearn.metrics.verdict import NOT, OURS, OUTSIDE, PAPER, VERDICTS, verdict
from reunlearn.reporting import lines, numbers, printed
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.grids import REMARKS
from reunlearn.reporting.seeds import by_seed

TONES = {PAPER: "best", OURS: "second", OUTSIDE: "bad", NOT: "muted"}
NOTE = (
    "A verdict allows two deviations, and half a unit of the last printed digit: first the paper's own, then ours. "
    "The noise floor is held against the paper's Retrain. Agreement in a column says nothing where the column "
    "hardly varies."
)
NOBODY = ""  # stands for the line of a printed method that this study does not run


def reported_table(
    rows: list[dict[str, str]],
    results: pd.DataFrame,
    experiment: dict[str, Any],
    averages: pd.DataFrame,
    methods: dict[str, str],
) -> pd.DataFrame:
    """Return one row per printed number and line of ours.

    Columns: line, printed_method, metric, printed, printed_std, ours, ours_std, n, verdict, reason, note.

    Args:
        rows: the printed numbers that the study names.
        results: the tidy results of the study.
        experiment: its part of the study.
        averages: what `average_table` returns.
        methods: {line: name of its method}.
    """
    name = experiment["name"]
    measured = set(results.loc[results["experiment"] == name, "metric"])
    runs = by_seed(results, name, sorted(measured))
    found = []
    for row in rows:
        printed_number = Summary(_number(row["mean"]), _number(row["std"]), 0)
        for line in _lines_of(row["method"], methods, list(runs)) or [NOBODY]:
            ours, missing = _ours(row, runs.get(line), averages, line, measured)
            obstacle = _obstacle(row, experiment) or missing
            judged = verdict(ours, printed_number, obstacle)
            found.append(
                {
                    "line": line,
                    "printed_method": row["method"],
                    "metric": row["metric"],
                    "printed": printed_number.mean,
                    "printed_std": printed_number.std,
                    "ours": ours.mean,
                    "ours_std": ours.std,
                    "n": ours.n,
                    "verdict": judged.kind,
                    "reason": judged.reason,
                    "note": row["note"],
                }
            )
    return pd.DataFrame(found)


def _number(text: str) -> float:
    return float(text) if text else float("nan")


def _lines_of(printed_method: str, methods: dict[str, str], known: list[str]) -> list[str]:
    """Return the lines that are a printed method: both readings, where a study runs both."""
    ours = printed.METHODS.get(printed_method)
    if ours == lines.RETRAIN:
        return [line for line in (lines.RETRAIN, lines.FLOOR) if line in known]
    if ours == lines.ORIGINAL:
        return [lines.ORIGINAL] if lines.ORIGINAL in known else []
    return [line for line, name in methods.items() if name == ours and line in known]


def _ours(
    row: dict[str, str], runs: pd.DataFrame | None, averages: pd.DataFrame, line: str, measured: set[str]
) -> tuple[Summary, str]:
    """Return our number for a printed one, and why there is none."""
    nothing, paper, metric = Summary(float("nan"), float("nan"), 0), row["paper"], row["metric"]
    if runs is None:
        return nothing, "this study does not run it"
    if metric in printed.ELSEWHERE:
        return nothing, printed.ELSEWHERE[metric]
    average = printed.AVERAGES.get((paper, metric))
    if average is not None:
        value = float(averages.loc[line, average])
        return Summary(value, float("nan"), len(runs) if numbers.known(value) else 0), (
            "" if numbers.known(value) else "a column that it averages was not measured"
        )
    measure = printed.MEASURES.get(paper, {}).get(metric)
    if measure is None:
        return nothing, "nothing here is defined so"
    lacking = [m for m in measure.metrics if m not in measured]
    if lacking:
        return nothing, f"{lacking[0]} was not measured"
    as_measured = {m: runs[printed.augmented(paper, m, measured)] for m in measure.metrics}
    return summarise(measure.of(pd.DataFrame(as_measured, index=runs.index)).to_numpy()), ""


def _obstacle(row: dict[str, str], experiment: dict[str, Any]) -> str:
    """Return in what the experiment differs from the printed setting; nothing if they agree as far as can be seen."""
    dataset, scenario, recipe = experiment["dataset"], experiment["scenario"], experiment["recipe"]
    if printed.key(row["dataset"]) != printed.key(dataset["name"]):
        return f"printed for {row['dataset']}"
    if printed.key(row["model"]) != printed.key(experiment["architecture"]["name"]):
        return f"printed for {row['model']}"
    if dataset["train"]:
        return f"ours trains on {dataset['train']} samples only"
    share = row["fraction"].removesuffix("%")
    if scenario["kind"] == "random" and row["fraction"].endswith("%"):
        if abs(float(share) - 100 * scenario["fraction"]) > 1e-9:
            return f"printed for {row['fraction']} forgotten"
    elif (scenario["kind"] == "random") != row["scenario"].startswith("random"):
        return f"printed for another scenario: {row['scenario']}"
    own = printed.RECIPES.get(row["paper"])
    if own is None or not recipe.startswith(own):
        return f"trained by the recipe {recipe}, not by the paper's"
    return ""


def reported_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return ours beside what is printed: a line per line of ours, a column per printed metric."""
    own = table[table["line"] != NOBODY]
    metrics = list(dict.fromkeys(own["metric"]))
    columns = tuple(Column(f"m{i}", m, "", _card(own, m)) for i, m in enumerate(metrics))
    found = []
    for line, rows in own.groupby("line", sort=False):
        by_metric = {row["metric"]: row for _, row in rows.iterrows()}
        cells = [_cell(by_metric.get(m)) for m in metrics]
        remark = REMARKS.get(str(line), "") or f"printed as {rows['printed_method'].iloc[0]}"
        found.append(Line(str(line), remark, line in lines.REFERENCES, tuple(cells)))
    caption = "ours, mean ± standard deviation; below, what is printed and whether the two agree"
    notes = (_summary(table), NOTE, *_reasons(own))
    return Grid(f"{experiment}-reported", caption, columns, tuple(found), notes, "Reported")


def _card(own: pd.DataFrame, metric: str) -> dict[str, Any]:
    compares = "the paper's printed column beside our number of the same definition"
    card = dict.fromkeys(("unit", "direction", "ideal", "column_of", "source"), "")
    return {**card, "title": metric, "compares": compares, "ideal": "the printed value, within a spread"}


def _cell(row: pd.Series | None) -> Cell:
    if row is None:
        return Cell(numbers.NOTHING, tone="muted")
    said = f"{numbers.with_deviation(row['printed'], row['printed_std'], 2)} printed: {row['verdict']}"
    return Cell(numbers.with_deviation(row["ours"], row["ours_std"], 2), said, tone=TONES[row["verdict"]])


def _summary(table: pd.DataFrame) -> str:
    counts = Counter(table["verdict"])
    said = ", ".join(f"{counts[kind]} {kind}" for kind in VERDICTS if counts[kind])
    absent = sorted(set(table.loc[table["line"] == NOBODY, "printed_method"]))
    more = f" Printed, but not run here: {', '.join(absent)}." if absent else ""
    return f"{len(table)} comparisons: {said}.{more}"


def _reasons(own: pd.DataFrame) -> list[str]:
    """Say once why cells are not comparable, and what is known against printed ones."""
    apart = own[own["verdict"] == NOT]
    said = [
        f"Not comparable, {reason}: {', '.join(dict.fromkeys(rows['metric']))}."
        for reason, rows in apart.groupby("reason", sort=False)
    ]
    notes = own[own["note"] != ""].drop_duplicates(["printed_method", "metric", "note"])
    return said + [
        f"{r['printed_method']}, {r['metric']}, as printed: {r['note']}." for _, r in notes.iterrows()
    ]
