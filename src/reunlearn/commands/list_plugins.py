"""`reunlearn objectives`, `models`, `datasets`, `tables`, `figures`: all in a line each, or one card in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from reunlearn.base.errors import UserError, near
from reunlearn.commands import dataset_card, network_card, objective_card
from reunlearn.commands.printing import joined, print_facts, print_json, print_table, settings_text
from reunlearn.storage.dvc_files import content_of, read_lock
from reunlearn.study import paths
from reunlearn.study.cards import Card, Scope, ShownCard
from reunlearn.study.catalogue import catalogue

OF: dict[Scope, str] = {
    "experiment": "each experiment",
    "study": "the whole study",
    "paper": "each table of the paper",
}
CardT = TypeVar("CardT", bound=Card)


def pick(name: str, cards: Mapping[str, CardT], kind: str) -> CardT:
    """Return a plugin's card; an unknown name is refused. `kind`: of the plugin, for the error line."""
    if name not in cards:
        raise UserError(f"no {kind} '{name}'; {near(name, cards)}")
    return cards[name]


def objectives(name: str | None, as_json: bool) -> None:
    """List what models can be trained for, or show one objective's card."""
    cards = catalogue().objectives
    picked = [pick(name, cards, "objective")] if name else list(cards.values())
    if as_json:
        print_json(picked)
    elif name:
        print_facts(objective_card.facts(picked[0], catalogue()), name)
    else:
        rows = [
            {
                "objective": card.name,
                "gives, besides the loss": joined(card.capabilities),
                "data": joined(card.modalities),
                "settings": settings_text(card.settings),
                "what": card.summary,
            }
            for card in picked
        ]
        print_table(rows, "Objectives")


def models(name: str | None, as_json: bool) -> None:
    """List networks, or show one's card."""
    cards = catalogue().models
    picked = [pick(name, cards, "model")] if name else list(cards.values())
    if as_json:
        print_json(picked)
    elif name:
        print_facts(network_card.facts(picked[0]), name)
    else:
        rows = [
            {
                "network": card.name,
                "what": card.summary,
                "reads": network_card.reads(card),
                "objectives": joined(card.objectives),
                "settings": settings_text(card.settings),
            }
            for card in picked
        ]
        print_table(rows, "Networks")


def datasets(name: str | None, as_json: bool) -> None:
    """List datasets, or show one's card with what data.dvc says of its prepared files."""
    cards = catalogue().datasets
    if name:
        card, entry = pick(name, cards, "dataset"), read_lock().get(f"{paths.DATA}/{name}")
        lock = content_of(entry) if entry else None
        if as_json:
            print_json(
                [{**card.model_dump(mode="json"), "classes": dataset_card.classes(card), "lock": lock}]
            )
        else:
            print_facts(dataset_card.facts(card, lock), name)
            if rows := dataset_card.class_rows(card):
                print_table(rows, "Classes: a study may write their numbers or their names")
        return
    if as_json:
        print_json(list(cards.values()))
        return
    rows = [
        {
            "dataset": card.name,
            "what": card.summary,
            "modality": card.modality,
            "classes": str(card.classes or "as the folder"),
            "train": str(card.train or "as the folder"),
            "test": str(card.test or "as the folder"),
            "licence": card.licence,
        }
        for card in cards.values()
    ]
    print_table(rows, "Datasets")


def tables(name: str | None, as_json: bool) -> None:
    """List the tables of the report, or show one's card."""
    _shown(name, catalogue().tables, "table", as_json)


def figures(name: str | None, as_json: bool) -> None:
    """List the figures of the report, or show one's card."""
    _shown(name, catalogue().figures, "figure", as_json)


def _when(card: ShownCard, kind: str) -> str:
    if card.scope == "paper":
        return "where a study names a paper"
    return "always" if card.default else f"if named in `{kind}s`"


def _shown(name: str | None, cards: Mapping[str, ShownCard], kind: str, as_json: bool) -> None:
    """List tables or figures in the order of the page."""
    picked = [pick(name, cards, kind)] if name else sorted(cards.values(), key=lambda c: (c.scope, c.order))
    if as_json:
        print_json(picked)
        return
    rows = [
        {
            kind: card.name,
            "of": OF[card.scope],
            "shown": _when(card, kind),
            "title": card.title,
            "what": card.summary,
        }
        for card in picked
    ]
    if name:
        print_facts({k: v for k, v in rows[0].items() if k != kind}, name)
    else:
        print_table(rows, f"{kind.capitalize()}s of the report")
