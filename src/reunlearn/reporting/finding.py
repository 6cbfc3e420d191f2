"""What a table of methods says, in numbers and one sentence: computed, never written by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from reunlearn.reporting import lines
from reunlearn.reporting.numbers import known, plain
from reunlearn.reporting.tables import SHOWN_DECIMALS


@dataclass(frozen=True)
class Finding:
    """The main numbers of one experiment; NaN where they are not known."""

    best: tuple[str, ...]
    best_gap: float
    original_gap: float
    floor_gap: float
    sentence: str


def find(table: pd.DataFrame) -> Finding:
    """Return the main finding of a table of methods."""
    best = tuple(str(name) for name in table.index[table["mark"] == "best"])
    gaps = {name: _gap(table, name) for name in (*best[:1], lines.ORIGINAL, lines.FLOOR)}
    best_gap = gaps[best[0]] if best else float("nan")
    sentence = _sentence(best, best_gap, gaps[lines.ORIGINAL], gaps[lines.FLOOR])
    return Finding(best, best_gap, gaps[lines.ORIGINAL], gaps[lines.FLOOR], sentence)


def _gap(table: pd.DataFrame, line: str) -> float:
    return float(table.loc[line, "avg_gap"]) if line in table.index else float("nan")


def _sentence(best: tuple[str, ...], gap: float, original: float, floor: float) -> str:
    if not best:
        return "No method can be ranked: a run of each, or of Retrain, is missing or diverged."
    who, verb = (" and ".join(best), "come" if len(best) > 1 else "comes")
    text = f"{who} {verb} closest to Retrain, with an Avg. Gap of {plain(gap, SHOWN_DECIMALS)} points"
    if known(original):
        own = plain(original, SHOWN_DECIMALS)
        if gap < original:
            factor = f", {plain(original / gap)} times as far" if gap > 0 else ""
            text += f"; the original, with nothing unlearned, is {own} away{factor}"
        else:
            text += f"; that is no closer than the original itself, at {own}: no method helps here"
    if known(floor):
        reach = "within" if gap <= floor else "outside"
        noise = plain(floor, SHOWN_DECIMALS)
        text += f". Retrain with other seeds is {noise} from Retrain: the best method is {reach} that noise"
    return text + "."
