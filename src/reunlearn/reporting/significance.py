"""Which differences are more than seeds: intervals, paired tests against the noise floor and the best method."""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.metrics.bootstrap import bootstrap_average_gap
from reunlearn.metrics.paired import Paired, compare, holm, smallest_p
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.grids import runs_cell
from reunlearn.reporting.headline import Headline
from reunlearn.reporting.rows import FLOOR, RETRAIN, RowKey
from reunlearn.reporting.seeds import by_seed, paired_values, seed_gaps
from reunlearn.reporting.study_cards import METHODS, SIGNIFICANCE
from reunlearn.reporting.tables import summary_entry

AGAINST = ("floor", "best")
LEVEL = 0.05


def significance_table(data: ExperimentData, methods: pd.DataFrame) -> pd.DataFrame:
    """Return one entry per row of the table of methods.

    Columns: finished, diverged, missing; avg_gap, avg_gap_low, avg_gap_high (bootstrap over seeds); seed_gap_mean,
    _std, _n; and against the floor and the best method: against_<x> (mean difference), _n, _t and _wilcoxon (p after
    Holm over the methods). Avg. Gap, its interval and the gap per seed are over the same seeds: those with all numbers
    of the row and of Retrain.

    Args:
        data: of the experiment.
        methods: its table of methods, which says which is best.
    """
    tables = by_seed(data, data.headline.metrics)
    gaps = seed_gaps(tables)
    entries: dict[RowKey, dict[str, float]] = {}
    for row, numbers_of_row in rows.each(methods):
        interval = bootstrap_average_gap(*paired_values(tables, row))
        entries[row] = {
            **{name: numbers_of_row[name] for name in ("finished", "diverged", "missing")},
            "avg_gap": interval.value,
            "avg_gap_low": interval.low,
            "avg_gap_high": interval.high,
            **summary_entry("seed_gap", gaps.get(row, [])),
        }
    table = rows.table(entries)
    best = [row for row, mark in zip(entries, methods["mark"], strict=True) if mark == "best"]
    for kind, rival in zip(AGAINST, (FLOOR, next(iter(best), None)), strict=True):
        table = table.join(_against(gaps, rival, kind, list(entries)))
    return table


def _against(gaps: pd.DataFrame, rival: RowKey | None, kind: str, order: list[RowKey]) -> pd.DataFrame:
    """Return the paired comparison of every method's gaps per seed with a rival's."""
    nothing = Paired(np.nan, np.nan, np.nan, 0)
    pairs = [
        compare(gaps[row], gaps[rival])
        if rival in gaps and row in gaps and row != rival and not row.is_reference
        else nothing
        for row in order
    ]
    columns = {
        "": [pair.difference for pair in pairs],
        "_n": [pair.n for pair in pairs],
        "_t": holm([pair.p_t for pair in pairs]),
        "_wilcoxon": holm([pair.p_wilcoxon for pair in pairs]),
    }
    return pd.DataFrame(
        {f"against_{kind}{end}": values for end, values in columns.items()}, index=rows.index(order)
    )


def significance_grid(table: pd.DataFrame, data: ExperimentData) -> Grid:
    """Return the table of differences with their intervals and p values; bold where the t test is below 0.05."""
    headline = data.headline
    keys = ("avg_gap", "seed_gap", "against_floor", "against_best")
    columns = [
        Column(k, SIGNIFICANCE[k].title, headline.unit.short, headline.in_unit(SIGNIFICANCE[k])) for k in keys
    ]
    grid_rows = []
    for row, numbers_of_row in rows.each(table):
        cells = [_gap(row, numbers_of_row, headline), _seed_gap(row, numbers_of_row, headline)]
        cells += [_test(numbers_of_row, f"against_{kind}", headline) for kind in AGAINST]
        grid_rows.append(Row(row, (*cells, runs_cell(numbers_of_row, count="seed_gap_n"))))
    return Grid(
        f"{data.name}-significance",
        title="Significance",
        caption="gaps with their intervals, and paired tests over seeds",
        columns=(*columns, Column("runs", "Seeds", "n", METHODS["runs"])),
        rows=tuple(grid_rows),
        notes=(_note(table),),
    )


def _note(table: pd.DataFrame) -> str:
    """Return what the number of seeds can show at all."""
    pairs = int(table[[f"against_{k}_n" for k in AGAINST]].to_numpy().max(initial=0))
    methods = int((table["against_floor_n"] > 1).sum())
    if pairs < 2:
        return "A test over seeds takes at least two of them; one seed does not show how much is chance."
    least = smallest_p(pairs)
    corrected = min(1.0, least * max(1, methods))
    reach = ": it cannot reach 0.05 here" if corrected > LEVEL else ""
    return (
        f"With {pairs} seeds the signed-rank test cannot give a p below {least:.2g}, or {corrected:.2g} after Holm's "
        f"correction for {methods} methods{reach}. The t test can, but it assumes that differences are normally "
        "distributed. Bold: p of the t test below 0.05 after correction."
    )


def _gap(row: RowKey, numbers_of_row: pd.Series, headline: Headline) -> Cell:
    if row == RETRAIN or not numbers.known(numbers_of_row["avg_gap"]):
        return Cell(numbers.NOTHING, tone="muted")
    low, high = numbers_of_row["avg_gap_low"], numbers_of_row["avg_gap_high"]
    ends = numbers.interval(low, high, headline.gap_decimals)
    return Cell(headline.gap(numbers_of_row["avg_gap"]), ends, value=numbers_of_row["avg_gap"])


def _seed_gap(row: RowKey, numbers_of_row: pd.Series, headline: Headline) -> Cell:
    if row == RETRAIN:
        return Cell(numbers.NOTHING, tone="muted")
    mean, std = numbers_of_row["seed_gap_mean"], numbers_of_row["seed_gap_std"]
    return Cell(numbers.with_deviation(mean, std, headline.gap_decimals), value=mean)


def _test(numbers_of_row: pd.Series, key: str, headline: Headline) -> Cell:
    if not numbers.known(numbers_of_row[key]):
        return Cell(numbers.NOTHING, tone="muted")
    value = numbers_of_row[key]
    main = headline.gap(value)
    p_t, p_ranks = numbers_of_row[f"{key}_t"], numbers_of_row[f"{key}_wilcoxon"]
    if not numbers.known(p_t):
        return Cell(main, value=value)
    below = f"p {p_t:.2g} (t), {p_ranks:.2g} (ranks)"
    return Cell(main, below, tone="strong" if p_t < LEVEL else "", value=value)
