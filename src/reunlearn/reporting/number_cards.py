"""The definition of a number, as a heading and as the card behind it: from the measures' cards or from this package."""

from __future__ import annotations

from reunlearn.study.cards import MeasureCard, NumberCard

FIELDS = tuple(NumberCard.model_fields)


def of_measure(card: MeasureCard) -> NumberCard:
    """Return the card of a measure's own number, such as an attack's."""
    return NumberCard(**{name: getattr(card, name) for name in FIELDS})


def short_unit(card: NumberCard | MeasureCard) -> str:
    """Return a unit short enough for a heading; the card has the rest."""
    if card.unit.startswith("%"):
        return "%"
    if card.unit.startswith("percentage point"):
        return "pp"
    first, _, rest = card.unit.partition(", ")
    return min((part for part in (first, rest) if part), key=len, default="")
