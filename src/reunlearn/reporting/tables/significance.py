"""Which differences are more than seeds: intervals, paired tests against the noise floor and the best method."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from reunlearn.metrics.bootstrap import bootstrap_average_gap
from reunlearn.metrics.paired import Paired, compare, holm, smallest_p
from reunlearn.reporting import numbers
from reunlearn.reporting.cards import METHODS, SIGNIFICANCE
from reunlearn.reporting.cells import NOTHING, Cell, Column, Row, Table, column_of, runs_cell
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, frame_of, number_of, read
from reunlearn.reporting.parts.headline import Headline
from reunlearn.reporting.rows import FLOOR, RETRAIN, RowKey
from reunlearn.reporting.seeds import by_seed, paired_values, seed_gaps
from reunlearn.reporting.tables.methods import marks
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="significance",
    title="Significance",
    summary="gaps with their intervals, and paired tests over seeds",
    order=40,
    audit=False,
)
AGAINST = ("against_floor", "against_best")
LEVEL = 0.05


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return avg_gap (interval: bootstrap over seeds), seed_gap, and against_floor and against_best.

    The last two are mean differences to the noise floor and to the best method, with p of two tests after Holm's
    correction over the methods; n counts pairs. Avg. Gap, its interval and the gap per seed are over the same seeds:
    those with all numbers of the row and of Retrain.
    """
    tables = by_seed(data, data.headline.metrics)
    gaps = seed_gaps(tables)
    entries: dict[RowKey, dict[str, Number]] = {}
    for row in data.by_row:
        values, reference = paired_values(tables, row)
        interval = bootstrap_average_gap(values, reference)
        average = Number(interval.value, n=len(values), low=interval.low, high=interval.high)
        entries[row] = {
            "avg_gap": average,
            "seed_gap": number_of(gaps[row].to_numpy()),
        }
    best = next((row for row, mark in marks(data).items() if mark == "best"), None)
    for name, rival in zip(AGAINST, (FLOOR, best), strict=True):
        for row, number in _against(gaps, rival, list(entries)).items():
            entries[row][name] = number
    return frame_of(entries)


def _against(gaps: pd.DataFrame, rival: RowKey | None, order: list[RowKey]) -> dict[RowKey, Number]:
    """Return the paired comparison of every method's gaps per seed with a rival's."""
    nothing = Paired(np.nan, np.nan, np.nan, 0)
    pairs = [
        compare(gaps[row], gaps[rival])
        if rival in gaps and row in gaps and row != rival and not row.is_reference
        else nothing
        for row in order
    ]
    tests = zip(holm([pair.p_t for pair in pairs]), holm([pair.p_wilcoxon for pair in pairs]), strict=True)
    found = {row: Number(pair.difference, n=pair.n) for row, pair in zip(order, pairs, strict=True)}
    return {
        row: replace(number, p_t=p_t, p_ranks=p_ranks)
        for (row, number), (p_t, p_ranks) in zip(found.items(), tests, strict=True)
    }


def show(frame: pd.DataFrame, data: ExperimentData) -> Table:
    """Return the differences with their intervals and p values; bold where the t test is below 0.05."""
    headline = data.headline
    columns = [
        column_of(name, headline.in_unit(SIGNIFICANCE[name]), headline.unit.short)
        for name in ("avg_gap", "seed_gap", *AGAINST)
    ]
    shown, values = [], read(frame)
    for row, found in values.items():
        cells = [_gap(row, found["avg_gap"], headline), _seed_gap(row, found["seed_gap"], headline)]
        cells += [_test(found[name], headline) for name in AGAINST]
        shown.append(Row(row, (*cells, runs_cell(data.counts[row], shown=found["seed_gap"].n))))
    seeds = Column("runs", "Seeds", "n", METHODS["runs"])
    return Table(CARD, data.name, (*columns, seeds), tuple(shown), (_note(list(values.values())),))


def _note(found: list[dict[str, Number]]) -> str:
    """Return what the number of seeds can show at all."""
    pairs = max((numbers_of_row[name].n for numbers_of_row in found for name in AGAINST), default=0)
    methods = sum(numbers_of_row["against_floor"].n > 1 for numbers_of_row in found)
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


def _gap(row: RowKey, number: Number, headline: Headline) -> Cell:
    if row == RETRAIN or not number.known:
        return NOTHING
    ends = numbers.interval(number.low, number.high, headline.gap_decimals)
    return Cell(headline.gap(number.mean), ends, value=number.mean)


def _seed_gap(row: RowKey, number: Number, headline: Headline) -> Cell:
    if row == RETRAIN or not number.known:
        return NOTHING
    return Cell(numbers.with_deviation(number.mean, number.std, headline.gap_decimals), value=number.mean)


def _test(number: Number, headline: Headline) -> Cell:
    if not number.known:
        return NOTHING
    main = headline.gap(number.mean)
    if not numbers.known(number.p_t):
        return Cell(main, value=number.mean)
    below = f"p {number.p_t:.2g} (t), {number.p_ranks:.2g} (ranks)"
    return Cell(main, below, tone="strong" if number.p_t < LEVEL else "", value=number.mean)
