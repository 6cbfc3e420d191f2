"""Where paper and released code of the study's methods differ, and which row does which."""

from __future__ import annotations

import typing
from collections.abc import Iterable
from dataclasses import dataclass

from reunlearn.reporting.rows import RowKey, key_of
from reunlearn.study.cards import Divergence, Hyperparameter, MethodCard, Reading
from reunlearn.study.specs import MethodSpec, RunSpec

READINGS: tuple[Reading, ...] = typing.get_args(Reading)


@dataclass(frozen=True)
class Used:
    """A method of the study: its card, and the rows that use it, in the study's order."""

    card: MethodCard
    rows: tuple[RowKey, ...]


@dataclass(frozen=True)
class Value:
    """What a hyper-parameter is in one row."""

    text: str
    follows: bool  # it is what the row's reading has


@dataclass(frozen=True)
class Switch:
    """A hyper-parameter that is one thing in the paper and another in the released code."""

    name: str
    meaning: str
    values: tuple[Value, ...]  # one per row of the study


@dataclass(frozen=True)
class LedgerEntry:
    """One method of the study, with at least one point where paper and released code differ.

    Attributes:
        name: of the method.
        paper: where it is from.
        rows: of the study, in its order.
        readings: the rows that read the method as in the paper; as in the code.
        divergences: the points where the two differ.
        switches: its hyper-parameters that follow the reading.
    """

    name: str
    paper: str
    rows: tuple[RowKey, ...]
    readings: tuple[tuple[RowKey, ...], ...]
    divergences: tuple[Divergence, ...]
    switches: tuple[Switch, ...]


def used_methods(runs: Iterable[RunSpec], cards: dict[str, MethodCard]) -> list[Used]:
    """Return the methods of some runs that have a card, in the order of the runs."""
    keys: dict[str, dict[RowKey, None]] = {}
    for run in runs:
        if run.method:
            keys.setdefault(run.method.name, {})[key_of(run.row)] = None
    return [Used(cards[name], tuple(rows)) for name, rows in keys.items() if name in cards]


def build(methods: Iterable[Used], runs: Iterable[RunSpec]) -> tuple[LedgerEntry, ...]:
    """Return the ledger of a study: its methods of which paper and released code differ."""
    specifications: dict[RowKey, list[MethodSpec]] = {}
    for run in runs:
        if run.method:
            specifications.setdefault(key_of(run.row), []).append(run.method)
    return tuple(_entry(method, specifications) for method in methods if method.card.divergences)


def _entry(method: Used, specifications: dict[RowKey, list[MethodSpec]]) -> LedgerEntry:
    card = method.card
    switching = {key: hyper for key, hyper in card.hyperparameters.items() if hyper.follows_reading}
    return LedgerEntry(
        name=card.name,
        paper=card.paper,
        rows=method.rows,
        readings=tuple(tuple(row for row in method.rows if row.reading == reading) for reading in READINGS),
        divergences=card.divergences,
        switches=tuple(
            Switch(key, hyper.doc, tuple(_value(key, hyper, specifications[row]) for row in method.rows))
            for key, hyper in switching.items()
        ),
    )


def _value(key: str, hyper: Hyperparameter, specifications: list[MethodSpec]) -> Value:
    """Return a row's value; several, where a preset gives each experiment its own."""
    expected = hyper.of_reading(specifications[0].reading or "paper")
    values = [specification.settings.get(key, hyper.default) for specification in specifications]
    values = list(dict.fromkeys(expected if value == hyper.default else value for value in values))
    return Value(" or ".join(map(str, values)), values == [expected])
