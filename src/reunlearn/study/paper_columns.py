"""Which columns of the papers a number of ours is, by the papers' files."""

from __future__ import annotations

from collections.abc import Iterable

from reunlearn.study.cards import Catalogue, MeasureCard
from reunlearn.study.papers import Paper, PrintedColumn, papers


def columns_of(known: Iterable[Paper]) -> dict[str, str]:
    """Return {number: the columns that print it, or 100 minus it}, such as GDR-GMA 'MIA', SFR-on 'MIA'."""
    found: dict[str, list[str]] = {}
    for paper in known:
        for heading, column in paper.every_column:
            name = column.metric or column.error_of
            if name:
                found.setdefault(name, []).append(_words(paper, heading, column))
    return {name: ", ".join(dict.fromkeys(columns)) for name, columns in found.items()}


def _words(paper: Paper, heading: str, column: PrintedColumn) -> str:
    return f"{paper.paper} '{heading}'" + (" (100 minus it)" if column.error_of else "")


def with_columns(cards: Catalogue) -> Catalogue:
    """Return cards that say which papers' column each number is."""
    columns = columns_of(papers(cards).values())
    measures = {name: _with(card, columns) for name, card in cards.measures.items()}
    return cards.model_copy(update={"measures": measures})


def _with(card: MeasureCard, columns: dict[str, str]) -> MeasureCard:
    numbers = {
        name: number.model_copy(update={"column_of": columns.get(name, "")})
        for name, number in card.numbers.items()
    }
    return card.model_copy(update={"numbers": numbers, "column_of": columns.get(card.name, "")})
