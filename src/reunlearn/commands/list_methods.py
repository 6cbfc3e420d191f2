"""`reunlearn methods`: all in a line each, some in full, or where papers and released code differ."""

from __future__ import annotations

from reunlearn.commands import method_card
from reunlearn.commands.list_plugins import pick
from reunlearn.commands.printing import joined, print_facts, print_json, print_table, wrapping_console
from reunlearn.study.cards import MethodCard
from reunlearn.study.catalogue import catalogue


def methods(chosen: list[str] | None, ledger: bool, as_json: bool) -> None:
    """List methods; some in full; or the points where papers and released code differ."""
    cards = catalogue().methods
    picked = [pick(name, cards, "method") for name in dict.fromkeys(chosen or cards)]
    if ledger:
        _ledger(picked, as_json)
    elif as_json:
        print_json(picked)
    elif chosen:
        for card in picked:
            _one_method(card)
    else:
        rows = [
            {
                "method": card.name,
                "sees": method_card.sees(card),
                "readings": joined(card.readings, none="one"),
                "idea": card.summary,
                "paper": card.paper,
            }
            for card in picked
        ]
        title = "Methods (?: under some settings; reunlearn methods NAME shows one in full)"
        print_table(rows, title, one_line=True)


def _one_method(card: MethodCard) -> None:
    """Print all that there is to say about a method."""
    print_facts(method_card.facts(card, catalogue().states), card.name)
    print_table(method_card.hyperparameters(card), "Hyper-parameters")
    if card.divergences:
        _ledger([card], False)


def _ledger(cards: list[MethodCard], as_json: bool) -> None:
    """Print where papers and released code differ; methods of which that is not known are named below."""
    rows = [row for card in cards for row in method_card.ledger(card)]
    if as_json:
        print_json(rows)
        return
    if rows:
        print_table(rows, "Where papers and released code differ", apart="method")
    agreeing = [card.name for card in cards if not card.divergences]
    if agreeing:
        wrapping_console().print(f"One reading only: {joined(agreeing)}.")
