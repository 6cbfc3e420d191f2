"""What a table of methods says, in numbers and one sentence: computed, never written by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from reunlearn.reporting.experiment import ExperimentData
from reunlearn.reporting.numbers import known, plain
from reunlearn.reporting.parts.headline import Headline
from reunlearn.reporting.rows import FLOOR, ORIGINAL, RowKey
from reunlearn.reporting.tables.methods import average_gaps, marks

NO_RETRAIN = "Nothing was retrained here: rows stand beside the original, and no gap is known."


@dataclass(frozen=True)
class Finding:
    """The main numbers of one experiment; NaN where they are not known."""

    best: tuple[RowKey, ...]
    best_gap: float
    original_gap: float
    floor_gap: float
    sentence: str


def find(data: ExperimentData) -> Finding:
    """Return the main finding of an experiment."""
    found = finding_of(average_gaps(data), marks(data), data.headline)
    return found if data.experiment.retrain else dataclasses.replace(found, sentence=NO_RETRAIN)


def finding_of(gaps: Mapping[RowKey, float], marks: Mapping[RowKey, str], headline: Headline) -> Finding:
    """Return the main finding from the average gaps of the rows, and from which of them are marked as best."""
    best = tuple(row for row, mark in marks.items() if mark == "best")
    nothing = float("nan")
    best_gap = gaps[best[0]] if best else nothing
    original, floor = gaps.get(ORIGINAL, nothing), gaps.get(FLOOR, nothing)
    sentence = _sentence(best, best_gap, original, floor, headline)
    return Finding(best, best_gap, original, floor, sentence)


def with_unit(value: float, headline: Headline) -> str:
    """Write an average gap with its unit, as a sentence says it."""
    return f"{headline.gap(value)} {headline.unit.spoken}".rstrip()


def _sentence(best: tuple[RowKey, ...], gap: float, original: float, floor: float, headline: Headline) -> str:
    if not best:
        return "No method can be ranked: a run of each, or of Retrain, is missing or diverged."
    names, verb = " and ".join(row.heading for row in best), "come" if len(best) > 1 else "comes"
    text = f"{names} {verb} closest to Retrain, with an Avg. Gap of {with_unit(gap, headline)}"
    if known(original):
        distance = headline.gap(original)
        if gap < original:
            factor = f", {plain(original / gap)} times as far" if gap > 0 else ""
            text += f"; the original, with nothing unlearned, is {distance} away{factor}"
        else:
            text += f"; that is no closer than the original itself, at {distance}: no method helps here"
    if known(floor):
        reach = "within" if gap <= floor else "outside"
        text += (
            f". Retrain with other seeds is {headline.gap(floor)} from Retrain: the best method is {reach} that "
            "noise"
        )
    return text + "."
