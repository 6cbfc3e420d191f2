"""Method entries of a study: names, hyper-parameters, needs; checked against the catalogue, without torch."""

from __future__ import annotations

import operator
from collections.abc import Mapping

from reunlearn.base.errors import UserError, near
from reunlearn.base.yaml_files import as_read
from reunlearn.study import presets
from reunlearn.study.cards import Hyperparameter, MethodCard, Reading, Value, When
from reunlearn.study.preset_choice import choose
from reunlearn.study.rows import Method
from reunlearn.study.schema import Experiment
from reunlearn.study.specs import MethodSpec, RowSpec

TYPES = {"bool": "true or false", "int": "a whole number", "float": "a number"}
BOUNDS = {
    "ge": ("at least", operator.ge),
    "gt": ("above", operator.gt),
    "le": ("at most", operator.le),
    "lt": ("below", operator.lt),
}


def row_of(entry: Method) -> RowSpec:
    """Return the row of a study's entry."""
    return RowSpec(method=entry.name, reading=entry.reading, label=entry.label)


def resolve(entry: Method, experiment: Experiment, cards: Mapping[str, MethodCard], where: str) -> MethodSpec:
    """Return the method's full specification: defaults ← preset ← the study's own settings."""
    if entry.name not in cards:
        raise UserError(f"{where}: no method '{entry.name}'; {near(entry.name, cards)}")
    card = cards[entry.name]
    place = f"{where}, method '{row_of(entry).name}'"
    check_reading(card, entry.reading, place)
    given = check_settings(entry.settings, card, place)
    options = presets.read(entry.name)
    presets.check_conditions(options, card)
    for option, other in options.items():
        check_settings(other.settings, card, f"{option}: settings")
    preset = choose(options, entry, experiment, place)
    chosen = check_settings(preset.settings if preset else {}, card, place)
    return MethodSpec(
        name=entry.name, reading=entry.reading, settings=fill(card, entry.reading, {**chosen, **given})
    )


def check_reading(card: MethodCard, reading: Reading | None, where: str) -> None:
    """Refuse a method whose readings differ without one, and a reading where there is only one."""
    if card.readings and reading is None:
        choices = " or ".join(RowSpec(method=card.name, reading=each).name for each in card.readings)
        raise UserError(f"{where}: paper and released code differ; write {choices}")
    if reading and reading not in card.readings:
        raise UserError(f"{where}: has only one reading; write {card.name}")


def fill(card: MethodCard, reading: Reading | None, settings: Mapping[str, Value]) -> dict[str, Value]:
    """Return every hyper-parameter of a row.

    What `settings` leaves out has its default. What is left to the reading has that reading's value; without a reading
    it is the paper's. Conditions of needs are tested on these values.
    """
    filled = {}
    for key, hyper in card.hyperparameters.items():
        value = settings.get(key, hyper.default)
        filled[key] = hyper.of_reading(reading or "paper") if value == hyper.default else value
    return filled


def check_settings(settings: Mapping[str, Value], card: MethodCard, where: str) -> dict[str, Value]:
    """Refuse unknown hyper-parameters, wrong types and values out of range; return them as stored."""
    checked = {}
    for key, value in settings.items():
        if key in ("fidelity", "reading"):
            raise UserError(f"{where}: '{key}' is no hyper-parameter; write 'reading' beside 'settings'")
        if key not in card.hyperparameters:
            raise UserError(f"{where}: unknown hyper-parameter '{key}'; {near(key, card.hyperparameters)}")
        checked[key] = check_value(key, value, card.hyperparameters[key], where)
    return checked


def check_value(key: str, value: Value, hyper: Hyperparameter, where: str) -> Value:
    """Return `value` in the hyper-parameter's type, or refuse it in one line."""
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    fits = {
        "bool": isinstance(value, bool),
        "int": number and isinstance(value, int),
        "float": number,
        "str": isinstance(value, str),
    }
    if hyper.type == "str" and not fits["str"]:
        raise UserError(f"{where}: {key}: {as_read(value)}")
    if not fits[hyper.type]:
        raise UserError(f"{where}: {key} must be {TYPES[hyper.type]}, not {value!r}")
    if hyper.choices and value not in hyper.choices:
        raise UserError(f"{where}: {key} must be one of {', '.join(map(str, hyper.choices))}, not {value!r}")
    for name, (words, keeps) in BOUNDS.items():
        limit = getattr(hyper, name)
        if limit is not None and isinstance(value, (int, float)) and not keeps(value, limit):
            raise UserError(f"{where}: {key} must be {words} {limit:g}, not {value!r}")
    return float(value) if hyper.type == "float" and value is not None else value


def state_kinds(card: MethodCard, settings: Mapping[str, Value]) -> list[str]:
    """Return the kinds of training-time state that the method reads under these settings."""
    return [kind for kind, when in sorted(card.needs.state.items()) if holds(when, settings)]


def holds(when: When, settings: Mapping[str, Value]) -> bool:
    """Tell whether a need holds: always, never, or for some values of hyper-parameters."""
    if isinstance(when, bool):
        return when
    return all(settings[key] in values for key, values in when.items())
