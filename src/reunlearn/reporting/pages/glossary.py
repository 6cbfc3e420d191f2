"""The definitions of a page: one card per meaning, however many tables show the number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from reunlearn.reporting.cells import Column, Table
from reunlearn.study.cards import NumberCard


@dataclass(frozen=True)
class Glossary:
    """Cards by the identifier that they have on the page."""

    cards: dict[str, NumberCard]

    def id_of(self, card: NumberCard) -> str:
        """Return the identifier of a card."""
        return next(name for name, known in self.cards.items() if known == card)


def glossary_of(tables: Iterable[Table]) -> Glossary:
    """Return the definitions of all columns of some tables, in the order in which they first appear."""
    cards: dict[str, NumberCard] = {}
    for column in (column for table in tables for column in table.columns):
        if column.card is not None and column.card not in cards.values():
            cards[_free_name(column, cards)] = column.card
    return Glossary(cards)


def _free_name(column: Column, taken: Iterable[str]) -> str:
    """Return an identifier for a column's card: the same number may mean two things in two experiments."""
    name = "card-" + re.sub(r"[^A-Za-z0-9_-]+", "-", column.key)
    used = set(taken)
    return next(n for n in (name, *(f"{name}-{k}" for k in range(2, len(used) + 3))) if n not in used)
