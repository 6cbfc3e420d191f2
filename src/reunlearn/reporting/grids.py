"""From numbers to what is shown: the table of methods and the table of attacks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from reunlearn.reporting import numbers
from reunlearn.reporting.definitions import CARDS
from reunlearn.reporting.grid import Cell, Column, Grid, Line
from reunlearn.reporting.lines import FLOOR, ORIGINAL, REFERENCES, RETRAIN
from reunlearn.reporting.tables import METRICS, SHOWN_DECIMALS

REMARKS = {
    RETRAIN: "trained without the forget set",
    FLOOR: "Retrain with other seeds",
    ORIGINAL: "nothing unlearned",
}
RANK_NOTE = (
    "Best and second best are by Avg. Gap, among methods of which every run finished. Differences smaller than the "
    "noise floor are differences of seeds."
)
AUC_NOTE = (
    "Bold: the interval leaves out 0.5. Members and others are resampled as if independent; test samples recur in "
    "every seed, so intervals are, if anything, too narrow."
)


def method_grid(table: pd.DataFrame, experiment: str, cards: dict[str, dict[str, Any]]) -> Grid:
    """Return the table of methods.

    Args:
        table: what `method_table` returns.
        experiment: its name.
        cards: definition cards of the attacks.
    """
    metrics = [m for m in METRICS if f"{m}_mean" in table]
    known = CARDS | cards
    columns = [Column("avg_gap", "Avg. Gap", "pp", CARDS["avg_gap"])]
    columns += [Column(m, known[m]["title"], "%, gap", known[m]) for m in metrics]
    columns += [
        Column("seconds", "Run time", "", CARDS["seconds"]),
        Column("passes", "Passes", "", CARDS["passes"]),
    ]
    columns.append(Column("runs", "Runs", "n", CARDS["runs"]))
    found = []
    for name, numbers_of in table.iterrows():
        line = str(name)
        cells = [_avg_gap(line, numbers_of), *(_metric(line, numbers_of, m) for m in metrics)]
        cells += [_time(numbers_of), _passes(numbers_of), _runs(numbers_of)]
        found.append(Line(line, REMARKS.get(line, ""), line in REFERENCES, tuple(cells)))
    caption = "mean ± standard deviation over seeds; below, the gap to Retrain"
    return Grid(f"{experiment}-methods", caption, tuple(columns), tuple(found), (RANK_NOTE,), "Methods")


def attack_grid(table: pd.DataFrame, experiment: str, cards: dict[str, dict[str, Any]]) -> Grid:
    """Return the table of attacks, from what `attack_table` returns."""
    attacks = [c.removesuffix("_auc") for c in table.columns if c.endswith("_auc")]
    columns = [
        Column(a, cards.get(a, {}).get("title", a), short_unit(cards.get(a, {})), cards.get(a, {}))
        for a in attacks
    ]
    columns.append(Column("runs", "Runs", "n", CARDS["runs"]))
    found = []
    for name, numbers_of in table.iterrows():
        cells = [*(_attack(numbers_of, c) for c in columns[:-1]), _runs(numbers_of)]
        found.append(Line(str(name), REMARKS.get(str(name), ""), name in REFERENCES, tuple(cells)))
    caption = "each attack's own number; below, AUC over all seeds with its 95 % interval"
    return Grid(f"{experiment}-attacks", caption, tuple(columns), tuple(found), (AUC_NOTE,), "Attacks")


def short_unit(card: dict[str, Any]) -> str:
    """Return a unit short enough for a heading; the card has the rest."""
    unit = card.get("unit", "")
    if unit.startswith("%"):
        return "%"
    return "pp" if unit.startswith("percentage point") else unit.rpartition(", ")[2]


def absent(numbers_of: pd.Series) -> Cell | None:
    """Return the cell of a line in which nothing finished: diverged or missing."""
    if numbers_of["finished"]:
        return None
    return Cell("diverged", tone="bad") if numbers_of["diverged"] else Cell("missing", tone="bad")


def _metric(line: str, numbers_of: pd.Series, metric: str) -> Cell:
    main = numbers.with_deviation(numbers_of[f"{metric}_mean"], numbers_of[f"{metric}_std"])
    distance = numbers.plain(numbers_of[f"{metric}_gap"])
    if numbers_of[f"{metric}_n"] != numbers_of["finished"]:
        main += f" (n = {numbers_of[f'{metric}_n']:.0f})"
    return absent(numbers_of) or Cell(
        main, "" if line == RETRAIN or distance == numbers.NOTHING else distance
    )


def _avg_gap(line: str, numbers_of: pd.Series) -> Cell:
    if absent(numbers_of) or line == RETRAIN:
        return Cell(numbers.NOTHING, tone="muted")
    return Cell(numbers.plain(numbers_of["avg_gap"], SHOWN_DECIMALS), tone=numbers_of["mark"])


def _time(numbers_of: pd.Series) -> Cell:
    share = numbers.ratio(numbers_of["time_ratio"])
    return Cell(numbers.seconds(numbers_of["seconds"]), "" if share == numbers.NOTHING else f"{share} ×")


def _passes(numbers_of: pd.Series) -> Cell:
    """Return the passes over both sets; samples where a set's size is not known."""
    found = []
    for name in ("retain", "forget"):
        passes, drawn = numbers_of[f"passes_{name}"], numbers_of[f"drawn_{name}"]
        if numbers.known(passes):
            found.append(f"{numbers.plain(passes)} {name}")
        elif numbers.known(drawn):
            found.append(f"{drawn:.0f} {name} samples")
    return Cell(*found) if found else Cell(numbers.NOTHING, tone="muted")


def _runs(numbers_of: pd.Series) -> Cell:
    holes = [f"{numbers_of[k]:.0f} {k}" for k in ("diverged", "missing") if numbers_of[k]]
    return Cell(f"{numbers_of['finished']:.0f}", ", ".join(holes), tone="bad" if holes else "")


def _attack(numbers_of: pd.Series, column: Column) -> Cell:
    attack, decimals = column.key, 1 if column.unit in ("%", "pp") else 2
    missing = absent(numbers_of)
    if missing:
        return missing
    low, high = numbers_of[f"{attack}_auc_low"], numbers_of[f"{attack}_auc_high"]
    main = numbers.with_deviation(numbers_of[f"{attack}_mean"], numbers_of[f"{attack}_std"], decimals)
    if not numbers.known(low):
        return Cell(main)
    area = f"{numbers.plain(numbers_of[f'{attack}_auc'], 2)} {numbers.interval(low, high)}"
    return Cell(main, area, tone="" if low <= 0.5 <= high else "strong")
