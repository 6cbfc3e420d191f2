"""Where paper and released code of the study's methods differ, and which row does which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

READINGS = ("paper", "code")


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
    """One method of the study, with at least one point where paper and released code differ."""

    name: str
    paper: str
    rows: tuple[str, ...]  # of the study, in its order
    readings: tuple[tuple[str, ...], ...]  # the rows that read the method as in the paper; as in the code
    divergences: tuple[dict[str, str], ...]  # where, paper, code
    switches: tuple[Switch, ...]


def build(methods: list[dict[str, Any]], rows: list[dict[str, Any]]) -> tuple[LedgerEntry, ...]:
    """Return the ledger of a study: its methods of which paper and released code differ.

    Args:
        methods: their cards, each with `rows`, the names of its rows.
        rows: those of runs.json.
    """
    return tuple(_entry(card, rows) for card in methods if card["divergences"])


def _entry(card: dict[str, Any], rows: list[dict[str, Any]]) -> LedgerEntry:
    specs = {name: [r["method"] for r in rows if r["name"] == name] for name in card["rows"]}
    readings = {name: own[0]["reading"] for name, own in specs.items()}
    switching = {k: a for k, a in card["hyperparameters"].items() if all(r in a for r in READINGS)}
    return LedgerEntry(
        name=card["name"],
        paper=card["paper"],
        rows=tuple(specs),
        readings=tuple(tuple(n for n, f in readings.items() if f == reading) for reading in READINGS),
        divergences=tuple(card["divergences"]),
        switches=tuple(
            Switch(key, about["doc"], tuple(_value(key, about, own) for own in specs.values()))
            for key, about in switching.items()
        ),
    )


def _value(key: str, about: dict[str, Any], specs: list[dict[str, Any]]) -> Value:
    """Return a row's value; several, where a preset gives each experiment its own."""
    expected = about[specs[0]["reading"]]
    given = [spec["settings"].get(key, about["default"]) for spec in specs]
    found = list(dict.fromkeys(expected if value == about["default"] else value for value in given))
    return Value(" or ".join(map(str, found)), found == [expected])
