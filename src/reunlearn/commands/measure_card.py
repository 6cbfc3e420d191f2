"""A measure's definition card in words: what it compares, what a value means, what it reads, how to ask for it."""

from __future__ import annotations

from collections.abc import Mapping

from reunlearn.commands.printing import Row, joined, settings_text
from reunlearn.study.cards import MeasureCard, ObjectiveCard


def facts(card: MeasureCard, objectives: Mapping[str, ObjectiveCard]) -> Row:
    """Return a measure's card in words.

    Args:
        card: of the measure; an attack is one, too.
        objectives: cards of all objectives.
    """
    return {
        "what": card.summary,
        "called in reports": card.title,
        "compares": card.compares,
        "number": card.unit,
        "direction": card.direction,
        "ideal": card.ideal,
        "column of": card.column_of or "no paper",
        "source": card.source or "none named",
        "cost": card.cost or "none named",
        "measured": asked_for(card),
        "settings": settings_text(card.settings),
        "files of yours": "; ".join(f"{setting}: {file.words}" for setting, file in card.files.items())
        or "none",
        "objectives": joined(served(card, objectives)),
        "scenarios": "all" if card.scenarios is None else joined(card.scenarios),
        "reads": joined(card.reads),
        "pools of shadow models": joined(card.pools),
        "sets beyond forget, retain, test": joined(card.sets),
        "sets whose order matters": joined(card.ordered),
        "numbers averaged in the first table": joined(card.headline),
    }


def numbers(card: MeasureCard) -> list[Row]:
    """Return one row per number that has a definition of its own."""
    return [
        {"number": name, "called": n.title, "compares": n.compares, "unit": n.unit, "ideal": n.ideal}
        for name, n in card.numbers.items()
    ]


def asked_for(card: MeasureCard) -> str:
    """Return when it is measured."""
    if card.default:
        return "always"
    return "if named in `attacks`" if card.attack else "if named in `measures`"


def served(card: MeasureCard, objectives: Mapping[str, ObjectiveCard]) -> list[str]:
    """Return the objectives that give what a measure asks for."""
    return [name for name, o in objectives.items() if set(card.capabilities) <= set(o.capabilities)]
