"""The numbers of the first table, whose gaps to Retrain it averages: those that the cards of the measures name."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from reunlearn.reporting import numbers
from reunlearn.reporting.cards import of_measure, short_unit
from reunlearn.study.cards import MeasureCard, NumberCard

POINTS_DECIMALS = 2  # of gaps in percentage points


@dataclass(frozen=True)
class GapUnit:
    """The unit of an average gap.

    Attributes:
        short: for headings.
        long: for definitions.
        spoken: what follows the number in a sentence.
    """

    short: str
    long: str
    spoken: str


POINTS = GapUnit("pp", "percentage points", "points")
MIXED = GapUnit("", "the units of its columns", "")


@dataclass(frozen=True)
class Headline:
    """The columns of the first table, and how their gaps are written.

    Attributes:
        cards: definition by number, in the order of the columns.
        decimals: of each number.
        gap_decimals: of their average gap; gaps that are written alike share a rank.
    """

    cards: dict[str, NumberCard]
    decimals: dict[str, int]
    gap_decimals: int

    @property
    def metrics(self) -> list[str]:
        """The names of the numbers."""
        return list(self.cards)

    @functools.cached_property
    def unit(self) -> GapUnit:
        """The unit of the average gap: percentage points where every column is in per cent."""
        units = {short_unit(card) for card in self.cards.values()}
        if units <= {"%", "pp"}:
            return POINTS
        if len(units) > 1:
            return MIXED
        (unit,) = units
        return GapUnit(unit, unit, f"({unit})" if unit else "")

    def gap(self, value: float) -> str:
        """Write an average gap."""
        return numbers.plain(value, self.gap_decimals)

    def in_unit(self, card: NumberCard) -> NumberCard:
        """Return the card of a gap with the unit of these gaps."""
        return card.model_copy(update={"unit": self.unit.long})


def headline_of(measures: Mapping[str, MeasureCard], results: pd.DataFrame) -> Headline:
    """Return the headline of an experiment: the numbers that were measured; all of them where none was.

    Args:
        measures: cards of what the plan measures on each run.
        results: the tidy results of the experiment.
    """
    cards = {name: definition(name, card) for card in measures.values() for name in card.headline}
    measured = set(results.loc[results["status"] != "missing", "metric"])
    cards = {name: card for name, card in cards.items() if name in measured} or cards
    decimals = {name: _decimals(card, results[results["metric"] == name]) for name, card in cards.items()}
    percent = all(short_unit(card) in ("%", "pp") for card in cards.values())
    return Headline(cards, decimals, POINTS_DECIMALS if percent else max(decimals.values()))


def definition(number: str, card: MeasureCard) -> NumberCard:
    """Return what a number of a measure means: its card says so, or is itself that number's."""
    if number in card.numbers:
        return card.numbers[number]
    return of_measure(card) if number == card.name else of_measure(card).model_copy(update={"title": number})


def _decimals(card: NumberCard, part: pd.DataFrame) -> int:
    """Return how a number is written: per cent with one decimal, others by the size of their values."""
    if short_unit(card) in ("%", "pp"):
        return 1
    values = part.loc[part["status"] == "finished", "value"].abs()
    return numbers.decimals_of(float(values.median()))
