"""Method entries of a study: names, hyper-parameters, needs; checked against the catalogue, without torch."""

from __future__ import annotations

from typing import Any

from reunlearn.base.errors import UserError, near
from reunlearn.study.load import preset
from reunlearn.study.schema import Experiment, Method


def row_name(entry: Method) -> str:
    """Return the row's name in tables and paths: the method, its reading, its label."""
    name = f"{entry.name}@{entry.reading}" if entry.reading else entry.name
    return f"{name}+{entry.label}" if entry.label else name


def resolve(entry: Method, experiment: Experiment, cards: dict[str, Any], where: str) -> dict[str, Any]:
    """Return the method's full specification: defaults ← preset ← the study's own settings."""
    if entry.name not in cards:
        raise UserError(f"{where}: no method '{entry.name}'; {near(entry.name, cards)}")
    card = cards[entry.name]
    place = f"{where}, method '{row_name(entry)}'"
    if card["readings"] and entry.reading is None:
        choices = " or ".join(f"{entry.name}@{f}" for f in card["readings"])
        raise UserError(f"{place}: paper and released code differ; write {choices}")
    if entry.reading and entry.reading not in card["readings"]:
        raise UserError(f"{place}: has only one reading; write {entry.name}")
    own = check_settings(entry.settings, card, place)
    chosen = check_settings(preset(entry.name, entry.reading, experiment), card, f"preset of {place}")
    settings = as_read(card, entry.reading, {**chosen, **own})
    return {"name": entry.name, "reading": entry.reading, "settings": settings}


def as_read(card: dict[str, Any], reading: str | None, settings: dict[str, Any]) -> dict[str, Any]:
    """Return all hyper-parameters of a row: `settings`, defaults for the rest, and its reading's value for all that
    follow the reading. Without a reading it is the paper's.

    Whatever asks when a need holds asks of these: under `follows the reading` no condition on a value would hold.
    """
    reading, filled = reading or "paper", {}
    for key, about in card["hyperparameters"].items():
        value = settings.get(key, about["default"])
        # where the readings differ, a card has the value of each beside its default
        filled[key] = about.get(reading, value) if value == about["default"] else value
    return filled


def check_settings(settings: dict[str, Any], card: dict[str, Any], where: str) -> dict[str, Any]:
    """Refuse unknown hyper-parameters, wrong types and values out of range; return them as stored."""
    checked = {}
    for key, value in settings.items():
        if key not in card["hyperparameters"]:
            raise UserError(f"{where}: unknown hyper-parameter '{key}'; {near(key, card['hyperparameters'])}")
        checked[key] = check_value(key, value, card["hyperparameters"][key], where)
    return checked


def check_value(key: str, value: Any, about: dict[str, Any], where: str) -> Any:
    """Return `value` in the hyper-parameter's type, or refuse it in one line."""
    kind = about["type"]
    good = {
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, (int, float)) and not isinstance(value, bool),
        "str": isinstance(value, str),
    }[kind]
    if not good:
        hint = (
            " (YAML reads 1e-3 as text; write 1.0e-3)" if kind == "float" and isinstance(value, str) else ""
        )
        raise UserError(f"{where}: {key} must be {kind}, not {value!r}{hint}")
    if about.get("choices") and value not in about["choices"]:
        raise UserError(
            f"{where}: {key} must be one of {', '.join(map(str, about['choices']))}, not {value!r}"
        )
    bounds = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    tests = {
        "ge": lambda a, b: a >= b,
        "gt": lambda a, b: a > b,
        "le": lambda a, b: a <= b,
        "lt": lambda a, b: a < b,
    }
    for name, words in bounds.items():
        limit = about.get(name)
        if limit is not None and not tests[name](value, limit):
            raise UserError(f"{where}: {key} must be {words} {limit:g}, not {value!r}")
    return float(value) if kind == "float" else value


def state_kinds(card: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """Return the training-time state that the method asks for under these settings."""
    return [kind for kind, when in sorted(card["needs"]["state"].items()) if holds(when, settings)]


def holds(when: bool | dict[str, list[Any]], settings: dict[str, Any]) -> bool:
    """Tell whether a need holds: always, never, or for some values of hyper-parameters."""
    if isinstance(when, bool):
        return when
    return all(settings[key] in values for key, values in when.items())
