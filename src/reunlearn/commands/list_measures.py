"""`reunlearn attacks` and `reunlearn measures`: what is measured on a model, and its definition cards."""

from __future__ import annotations

from reunlearn.commands import measure_card
from reunlearn.commands.list_plugins import pick
from reunlearn.commands.printing import joined, print_facts, print_json, print_table, settings_text
from reunlearn.study.cards import MeasureCard
from reunlearn.study.catalogue import catalogue
from reunlearn.study.paper_columns import with_columns


def attacks(name: str | None, as_json: bool) -> None:
    """List attacks, or show one's definition card."""
    cards = with_columns(catalogue()).attacks
    if name:
        _one_measure(pick(name, cards, "attack"), as_json)
        return
    if as_json:
        print_json(list(cards.values()))
        return
    rows = [
        {
            "attack": card.name,
            "column of": card.column_of or "no paper",
            "pools": joined(card.pools),
            "ideal": card.ideal,
            "compares": card.compares,
        }
        for card in cards.values()
    ]
    print_table(rows, "Attacks (reunlearn attacks NAME shows a definition card in full)", one_line=True)


def measures(name: str | None, as_json: bool) -> None:
    """List all that is measured on a model, attacks included, or show one's definition card."""
    cards, objectives = with_columns(catalogue()).measures, catalogue().objectives
    if name:
        _one_measure(pick(name, cards, "measure"), as_json)
        return
    if as_json:
        print_json(list(cards.values()))
        return
    rows = [
        {
            "measure": card.name,
            "measured": measure_card.asked_for(card),
            "objectives": joined(measure_card.served(card, objectives)),
            "settings": settings_text(card.settings),
            "compares": card.compares,
        }
        for card in cards.values()
    ]
    print_table(rows, "Measures (reunlearn measures NAME shows a definition card in full)", one_line=True)


def _one_measure(card: MeasureCard, as_json: bool) -> None:
    """Print the definition card of a measure."""
    if as_json:
        print_json([card])
        return
    print_facts(measure_card.facts(card, catalogue().objectives), card.name)
    if card.numbers:
        print_table(measure_card.numbers(card), "Its numbers", apart="number")
