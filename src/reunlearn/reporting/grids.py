"""From numbers to what is shown: the table of methods and the table of attacks."""

from __future__ import annotations

import pandas as pd

from reunlearn.reporting import numbers, rows
from reunlearn.reporting.experiment_data import ExperimentData
from reunlearn.reporting.grid import Cell, Column, Grid, Row
from reunlearn.reporting.headline import Headline
from reunlearn.reporting.number_cards import of_measure, short_unit
from reunlearn.reporting.rows import RETRAIN, RowKey
from reunlearn.reporting.study_cards import METHODS

RANK_NOTE = (
    "Best and second best are by Avg. Gap, among methods of which every run finished. Differences smaller than the "
    "noise floor are differences between seeds."
)
AUC_NOTE = (
    "Bold: the interval does not contain 0.5. n is the number of seeds: {seeds}. With several seeds, seeds are drawn "
    "first, then the AUC of each drawn seed from its own sampling error; with one, the interval is over its samples. "
    "All seeds are attacked with the same test samples: the interval says what other seeds would give with these test "
    "samples, and may be too narrow for others."
)
RUNS = Column("runs", "Runs", "n", METHODS["runs"])


def method_grid(table: pd.DataFrame, data: ExperimentData) -> Grid:
    """Return the table of methods, from what `method_table` returns."""
    headline = data.headline
    columns = [Column("avg_gap", "Avg. Gap", headline.unit.short, headline.in_unit(METHODS["avg_gap"]))]
    columns += [
        Column(m, card.title, ", ".join(filter(None, [short_unit(card), "gap"])), card)
        for m, card in headline.cards.items()
    ]
    columns += [Column(name, METHODS[name].title, "", METHODS[name]) for name in ("seconds", "passes")]
    grid_rows = []
    for row, numbers_of_row in rows.each(table):
        cells = [_avg_gap(row, numbers_of_row, headline)]
        cells += [_metric(row, numbers_of_row, m, decimals=headline.decimals[m]) for m in headline.metrics]
        cells += [_time(numbers_of_row), _passes(numbers_of_row), runs_cell(numbers_of_row)]
        grid_rows.append(Row(row, tuple(cells)))
    return Grid(
        f"{data.name}-methods",
        title="Methods",
        caption="mean ± standard deviation over seeds; below, the gap to Retrain",
        columns=(*columns, RUNS),
        rows=tuple(grid_rows),
        notes=(RANK_NOTE,),
    )


def attack_grid(table: pd.DataFrame, data: ExperimentData) -> Grid:
    """Return the table of attacks, from what `attack_table` returns."""
    columns = [
        Column(name, card.title, short_unit(card), of_measure(card)) for name, card in data.attacks.items()
    ]
    grid_rows = [
        Row(row, (*(_attack(numbers_of_row, c) for c in columns), runs_cell(numbers_of_row)))
        for row, numbers_of_row in rows.each(table)
    ]
    return Grid(
        f"{data.name}-attacks",
        title="Attacks",
        caption="each attack's own number; below, mean AUC over seeds with its 95 % interval",
        columns=(*columns, RUNS),
        rows=tuple(grid_rows),
        notes=(AUC_NOTE.format(seeds=_seeds(table, data)),),
    )


def _seeds(table: pd.DataFrame, data: ExperimentData) -> str:
    """Return over how many seeds the AUC of the rows are, as words."""
    counts = sorted({int(n) for attack in data.attacks for n in table[f"{attack}_seeds"] if n})
    return numbers.span(counts[0], counts[-1]) if counts else "none"


def absent(numbers_of_row: pd.Series) -> Cell | None:
    """Return the cell of a row in which nothing finished: diverged or missing."""
    if numbers_of_row["finished"]:
        return None
    return Cell("diverged", tone="bad") if numbers_of_row["diverged"] else Cell("missing", tone="bad")


def metric_cell(numbers_of_row: pd.Series, metric: str, decimals: int, *, with_gap: bool) -> Cell | None:
    """Return the cell of a number: mean ± deviation, below its gap to Retrain; None where there is no number."""
    mean, std = numbers_of_row[f"{metric}_mean"], numbers_of_row[f"{metric}_std"]
    if not numbers.known(mean):
        return None
    main = numbers.with_deviation(mean, std, decimals)
    if numbers_of_row[f"{metric}_n"] != numbers_of_row["finished"]:
        main += f" (n = {numbers_of_row[f'{metric}_n']:.0f})"
    shown = with_gap and numbers.known(numbers_of_row[f"{metric}_gap"])
    return Cell(main, numbers.plain(numbers_of_row[f"{metric}_gap"], decimals) if shown else "", value=mean)


def runs_cell(numbers_of_row: pd.Series, count: str = "finished") -> Cell:
    """Return the cell that counts the runs of a row, with those that diverged or are missing below.

    Args:
        numbers_of_row: has diverged and missing.
        count: the column of the number that is shown.
    """
    holes = [f"{numbers_of_row[k]:.0f} {k}" for k in ("diverged", "missing") if numbers_of_row[k]]
    shown = numbers_of_row[count]
    return Cell(f"{shown:.0f}", ", ".join(holes), tone="bad" if holes else "", value=shown)


def _metric(row: RowKey, numbers_of_row: pd.Series, metric: str, *, decimals: int) -> Cell:
    cell = absent(numbers_of_row) or metric_cell(numbers_of_row, metric, decimals, with_gap=row != RETRAIN)
    return cell or Cell(f"{numbers.NOTHING} (n = 0)")


def _avg_gap(row: RowKey, numbers_of_row: pd.Series, headline: Headline) -> Cell:
    if absent(numbers_of_row) or row == RETRAIN:
        return Cell(numbers.NOTHING, tone="muted")
    value = numbers_of_row["avg_gap"]
    return Cell(headline.gap(value), tone=numbers_of_row["mark"], value=value)


def _time(numbers_of_row: pd.Series) -> Cell:
    ratio = numbers_of_row["time_ratio"]
    below = f"{numbers.ratio(ratio)} ×" if numbers.known(ratio) else ""
    return Cell(numbers.seconds(numbers_of_row["seconds"]), below, value=numbers_of_row["seconds"])


def _passes(numbers_of_row: pd.Series) -> Cell:
    """Return the passes over both sets; samples where a set's size is not known."""
    texts = []
    known = [
        v for v in (numbers_of_row["passes_retain"], numbers_of_row["passes_forget"]) if numbers.known(v)
    ]
    for name in ("retain", "forget"):
        passes, drawn = numbers_of_row[f"passes_{name}"], numbers_of_row[f"drawn_{name}"]
        if numbers.known(passes):
            texts.append(f"{numbers.plain(passes)} {name}")
        elif numbers.known(drawn):
            texts.append(f"{drawn:.0f} {name} samples")
    if not texts:
        return Cell(numbers.NOTHING, tone="muted")
    return Cell(texts[0], "".join(texts[1:]), value=known[0] if known else None)


def _attack(numbers_of_row: pd.Series, column: Column) -> Cell:
    attack, decimals = column.key, 1 if column.unit in ("%", "pp") else 2
    missing = absent(numbers_of_row)
    if missing:
        return missing
    low, high = numbers_of_row[f"{attack}_auc_low"], numbers_of_row[f"{attack}_auc_high"]
    mean = numbers_of_row[f"{attack}_mean"]
    main = numbers.with_deviation(mean, numbers_of_row[f"{attack}_std"], decimals)
    if not numbers.known(low):
        return Cell(main, value=mean)
    area = f"{numbers.plain(numbers_of_row[f'{attack}_auc'], 2)} {numbers.interval(low, high)}"
    return Cell(main, area, tone="" if low <= 0.5 <= high else "strong", value=mean)
