"""Which differences are more than seeds: intervals, paired tests against the noise floor and the best method."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from reunlearn.metrics.bootstrap import bootstrap_average_gap
from reunlearn.metrics.paired import Paired, compare, holm, smallest_p
from reunlearn.metrics.statistics import summarise
from reunlearn.reporting import lines, numbers
from reunlearn.reporting.definitions import CARDS, SIGNIFICANCE
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.grids import REMARKS
from reunlearn.reporting.seeds import by_seed, paired_values, seed_gaps
from reunlearn.reporting.tables import SHOWN_DECIMALS

AGAINST = ("floor", "best")
LEVEL = 0.05


def significance_table(
    results: pd.DataFrame, experiment: str, metrics: list[str], methods: pd.DataFrame
) -> pd.DataFrame:
    """Return one line per line of the table of methods.

    Columns: finished; avg_gap, avg_gap_low, avg_gap_high (bootstrap over seeds); seed_gap_mean, _std, _n; and against
    the floor and the best method: against_<x> (mean difference), _n, _t and _wilcoxon (p after Holm over the methods).

    Args:
        results: the tidy results of a study.
        experiment: its name.
        metrics: whose gaps are averaged.
        methods: its table of methods, which says which is best.
    """
    tables = by_seed(results, experiment, metrics)
    gaps = seed_gaps(tables)
    found = []
    for name in methods.index:
        own, reference = paired_values(tables, name)
        interval = bootstrap_average_gap(own, reference)
        summary = summarise(gaps.get(name, []))
        found.append(
            {
                "line": name,
                "finished": methods.loc[name, "finished"],
                "avg_gap": methods.loc[name, "avg_gap"],
                "avg_gap_low": interval.low,
                "avg_gap_high": interval.high,
                **{f"seed_gap_{k}": getattr(summary, k) for k in ("mean", "std", "n")},
            }
        )
    table = pd.DataFrame(found).set_index("line")
    best = list(methods.index[methods["mark"] == "best"])
    for kind, rivals in zip(AGAINST, ([lines.FLOOR], best[:1]), strict=True):
        table = table.join(_against(gaps, rivals[0] if rivals else "", kind, list(methods.index)))
    return table


def _against(gaps: pd.DataFrame, rival: str, kind: str, order: list[str]) -> pd.DataFrame:
    """Return the paired comparison of every method's gaps per seed with a rival's."""
    nothing = Paired(np.nan, np.nan, np.nan, 0)
    tested = {
        line: compare(gaps[line], gaps[rival])
        if rival in gaps and line in gaps and line != rival and line not in lines.REFERENCES
        else nothing
        for line in order
    }
    columns: dict[str, Any] = {
        "": [t.difference for t in tested.values()],
        "_n": [t.n for t in tested.values()],
        "_t": holm([t.p_t for t in tested.values()]),
        "_wilcoxon": holm([t.p_wilcoxon for t in tested.values()]),
    }
    return pd.DataFrame({f"against_{kind}{end}": v for end, v in columns.items()}, index=order)


def significance_grid(table: pd.DataFrame, experiment: str) -> Grid:
    """Return the table of differences with their intervals and p values; bold where the t test is below 0.05."""
    keys = ("avg_gap", "seed_gap", "against_floor", "against_best")
    columns = [Column(k, SIGNIFICANCE[k]["title"], "pp", SIGNIFICANCE[k]) for k in keys]
    columns.append(Column("runs", "Seeds", "n", CARDS["runs"]))
    found = []
    for name, own in table.iterrows():
        line = str(name)
        cells = [_gap(line, own), _seed_gap(line, own), *(_test(own, f"against_{k}") for k in AGAINST)]
        cells.append(Cell(f"{own['seed_gap_n']:.0f}"))
        found.append(Line(line, REMARKS.get(line, ""), line in lines.REFERENCES, tuple(cells)))
    caption = "gaps with their intervals, and paired tests over seeds"
    notes = (_note(table),)
    return Grid(f"{experiment}-significance", caption, tuple(columns), tuple(found), notes, "Significance")


def _note(table: pd.DataFrame) -> str:
    """Say what the number of seeds can show at all."""
    pairs = int(table[[f"against_{k}_n" for k in AGAINST]].to_numpy().max(initial=0))
    methods = int((table["against_floor_n"] > 1).sum())
    if pairs < 2:
        return "A test over seeds takes at least two of them; one seed tells nothing of its chance."
    least = smallest_p(pairs)
    corrected = min(1.0, least * max(1, methods))
    reach = ": it cannot reach 0.05 here" if corrected > LEVEL else ""
    return (
        f"With {pairs} seeds the signed-rank test cannot give a p below {least:.2g}, or {corrected:.2g} "
        "after Holm's "
        f"correction for {methods} methods{reach}. The t test can, but takes differences to be normal. "
        "Bold: p of the t test below 0.05 after correction."
    )


def _gap(line: str, own: pd.Series) -> Cell:
    if line == lines.RETRAIN or not numbers.known(own["avg_gap"]):
        return Cell(numbers.NOTHING, tone="muted")
    ends = numbers.interval(own["avg_gap_low"], own["avg_gap_high"])
    return Cell(numbers.plain(own["avg_gap"], SHOWN_DECIMALS), ends)


def _seed_gap(line: str, own: pd.Series) -> Cell:
    if line == lines.RETRAIN:
        return Cell(numbers.NOTHING, tone="muted")
    return Cell(numbers.with_deviation(own["seed_gap_mean"], own["seed_gap_std"], SHOWN_DECIMALS))


def _test(own: pd.Series, key: str) -> Cell:
    if not numbers.known(own[key]):
        return Cell(numbers.NOTHING, tone="muted")
    main = numbers.plain(own[key], SHOWN_DECIMALS)
    if not numbers.known(own[f"{key}_t"]):
        return Cell(main)
    below = f"p {own[f'{key}_t']:.2g} (t), {own[f'{key}_wilcoxon']:.2g} (ranks)"
    return Cell(main, below, tone="strong" if own[f"{key}_t"] < LEVEL else "")
