"""The first table: the numbers that are compared with Retrain's, their average gap, run time, passes.

Retrain is the reference of every gap. The second retrained models are the noise floor, a gap that no method can be
asked to beat.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from reunlearn.metrics.statistics import average_gap
from reunlearn.reporting import numbers, rows
from reunlearn.reporting.cards import METHODS, short_unit
from reunlearn.reporting.cells import (
    NOTHING,
    RUNS,
    Cell,
    Row,
    Table,
    absent,
    column_of,
    number_cell,
    runs_cell,
)
from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.frames import Number, Numbers, frame_of, number_of, read
from reunlearn.reporting.judges import remarks_of
from reunlearn.reporting.parts.cost import SETS, in_two_precisions, passes, time_ratio
from reunlearn.reporting.parts.headline import Headline
from reunlearn.reporting.rows import RETRAIN, Counts, RowKey
from reunlearn.reporting.tables import _measured
from reunlearn.study.cards import TableCard

CARD = TableCard(
    name="methods",
    title="Methods",
    summary="mean ± standard deviation over seeds; below, the gap to Retrain",
    order=10,
)
NOTE = (
    "Best and second best are by Avg. Gap, among methods of which every run finished. Differences smaller than the "
    "noise floor are differences between seeds."
)
IN_TWO_PRECISIONS = "some runs in mixed precision, others in full"


def compute(data: ExperimentData) -> pd.DataFrame:
    """Return the numbers of the headline, avg_gap, seconds, time_ratio (to Retrain), and of retain and forget set
    drawn_<set> (samples) and passes_<set>."""
    metrics = data.headline.metrics
    return frame_of(
        {
            row: {
                **found,
                "avg_gap": Number(average_gap([found[metric].gap for metric in metrics])),
                **_cost(data, row),
            }
            for row, found in _measured.with_gaps(data, metrics).items()
        }
    )


def _cost(data: ExperimentData, row: RowKey) -> dict[str, Number]:
    runs = data.finished[row]
    over = passes(runs)
    return {
        "seconds": number_of(rows.values(runs, "seconds_run")),
        "time_ratio": Number(time_ratio(data, row)),
        **{f"drawn_{name}": number_of(rows.values(runs, f"drawn_{name}")) for name in SETS},
        **{f"passes_{name}": Number(over[name]) for name in SETS},
    }


def average_gaps(data: ExperimentData) -> dict[RowKey, float]:
    """Return the average gap of each row."""
    return {row: found["avg_gap"].mean for row, found in read(data.frame(CARD.name)).items()}


def marks(data: ExperimentData) -> dict[RowKey, str]:
    """Return which rows are "best" and "second" by Avg. Gap, among the methods of which every run finished.

    Gaps that are equal when they are written share a rank; two that share the first leave no second.
    """
    judged = {
        row: round(value, data.headline.gap_decimals)
        for row, value in average_gaps(data).items()
        if np.isfinite(value) and not row.is_reference and data.counts[row].whole
    }
    ranks = pd.Series(judged, dtype=float).rank(method="min")
    words = {1: "best", 2: "second"}
    return {row: words[rank] for row, rank in zip(judged, ranks, strict=True) if rank in words}


def show(frame: pd.DataFrame, data: ExperimentData) -> Table:
    """Return the average gap, the numbers that it averages, and what they cost."""
    headline, best, judged = data.headline, marks(data), remarks_of(data)
    columns = [column_of("avg_gap", headline.in_unit(METHODS["avg_gap"]), headline.unit.short)]
    columns += [
        column_of(m, card, ", ".join(filter(None, [short_unit(card), "gap"])))
        for m, card in headline.cards.items()
    ]
    columns += [column_of(name, METHODS[name], "") for name in ("seconds", "passes")]
    shown = []
    for row, found in read(frame).items():
        counts = data.counts[row]
        cells = [_avg_gap(row, found, counts, headline, best)]
        cells += [_metric(row, found[m], counts, headline.decimals[m]) for m in headline.metrics]
        remarks = [IN_TWO_PRECISIONS] if in_two_precisions(data, row) else []
        remark = "; ".join([*remarks, *filter(None, [judged.get(row)])])
        shown.append(Row(row, (*cells, _time(found), _passes(found), runs_cell(counts)), remark))
    return Table(CARD, data.name, (*columns, RUNS), tuple(shown), (NOTE,))


def _metric(row: RowKey, number: Number, counts: Counts, decimals: int) -> Cell:
    cell = absent(counts) or number_cell(number, counts, decimals, with_gap=row != RETRAIN)
    return cell or Cell(f"{numbers.NOTHING} (n = 0)")


def _avg_gap(
    row: RowKey, found: Numbers, counts: Counts, headline: Headline, best: dict[RowKey, str]
) -> Cell:
    if absent(counts) or row == RETRAIN:
        return NOTHING
    value = found["avg_gap"].mean
    return Cell(headline.gap(value), tone=best.get(row, ""), value=value)


def _time(found: Numbers) -> Cell:
    ratio, seconds = found["time_ratio"].mean, found["seconds"].mean
    below = f"{numbers.ratio(ratio)} ×" if numbers.known(ratio) else ""
    return Cell(numbers.seconds(seconds), below, value=seconds)


def _passes(found: Numbers) -> Cell:
    """Return the passes over both sets; samples where a set's size is not known."""
    texts, known = [], []
    for name in SETS:
        over, drawn = found[f"passes_{name}"], found[f"drawn_{name}"]
        if over.known:
            texts.append(f"{numbers.plain(over.mean)} {name}")
            known.append(over.mean)
        elif drawn.known:
            texts.append(f"{drawn.mean:.0f} {name} samples")
    if not texts:
        return NOTHING
    return Cell(texts[0], "".join(texts[1:]), value=known[0] if known else None)
