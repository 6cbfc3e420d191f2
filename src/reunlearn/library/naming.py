"""From a name such as `salun@code` to a method with all its settings: as a study resolves its rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from reunlearn.base.errors import UserError, near
from reunlearn.study import presets
from reunlearn.study.cards import MethodCard, Reading, Value
from reunlearn.study.catalogue import PACKAGE, plugin_names
from reunlearn.study.methods import check_reading, check_settings, fill
from reunlearn.study.preset_choice import facts_of_scenario, most_specific
from reunlearn.study.presets import Preset
from reunlearn.study.scenario import Scenario, read_scenario
from reunlearn.study.specs import MethodSpec
from reunlearn.unlearning.registry import card

READINGS: tuple[Reading, ...] = ("paper", "code")
LIKE = ("dataset", "architecture", "recipe")  # what a preset asks of an experiment, besides its scenario
IN_WHEEL, IN_PROJECT = PACKAGE / "config" / "presets", PACKAGE.parents[1] / "config" / "presets"


def presets_folder() -> Path:
    """Return where the presets are: a wheel carries those of the project that it was built from."""
    return IN_WHEEL if IN_WHEEL.is_dir() else IN_PROJECT


def card_of(name: str) -> tuple[MethodCard, Reading | None]:
    """Return the card of `name` or `name@reading`, and the reading.

    Raises:
        UserError: there is no such method, or no such reading of it.
    """
    method, at, wanted = name.partition("@")
    if method not in plugin_names("methods"):
        raise UserError(f"no method '{method}'; {near(method, plugin_names('methods'))}")
    reading = next((each for each in READINGS if each == wanted), None)
    if at and reading is None:
        raise UserError(f"'{name}' names no reading; write {method}@paper or {method}@code")
    check_reading(card(method), reading, f"method '{name}'")
    return card(method), reading


def hindrance(card: MethodCard) -> str | None:
    """Return why a method can run in a study only; None if it runs on any classifier."""
    if card.network:
        return f"it returns a network of its own ('{card.network}') around one of this project's"
    if True in (card.capabilities.get("samples"), card.capabilities.get("noise")):
        return "it is for generators"
    return None


def scenario_of(content: Mapping[str, Any] | None, method: MethodCard) -> Scenario:
    """Return what is said to be forgotten; a bare Scenario where nothing is.

    Args:
        content: as a study says it, such as {"kind": "class", "classes": [3]}.
        method: may be for some kinds only.

    Raises:
        UserError: there is no such scenario; it is in steps; the method is not for it.
    """
    try:
        scenario = read_scenario(dict(content)) if content is not None else Scenario()
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UserError(f"scenario: {message}") from None
    except ValueError as error:
        raise UserError(f"scenario: {error}") from None
    if scenario.steps > 1:
        raise UserError(
            "scenario: steps are for studies; forget one part after the other, each from the last model"
        )
    if method.scenarios is not None and scenario.kind not in method.scenarios:
        known = " or ".join(f"'{kind}'" for kind in method.scenarios)
        said = f"not for '{scenario.kind}'" if scenario.kind else "and nothing is said"
        raise UserError(
            f"method '{method.name}' is for the scenario {known}, {said}; "
            "say what is forgotten, as in scenario={'kind': 'class', 'classes': [3]}"
        )
    return scenario


@dataclass(frozen=True)
class Asked:
    """A method as it is asked for.

    Attributes:
        name: as the user wrote it.
        card: of the method.
        spec: with every setting.
        preset: that settings were taken from.
        scenario: what is forgotten; a bare Scenario where nobody said it.
    """

    name: str
    card: MethodCard
    spec: MethodSpec
    preset: Preset | None
    scenario: Scenario

    @property
    def who(self) -> str:
        """The beginning of an error line."""
        return f"method '{self.name}'"


def ask(
    name: str,
    settings: Mapping[str, Value] | None,
    like: Mapping[str, str] | None,
    said: Mapping[str, Any] | None,
) -> Asked:
    """Return a method with every setting: defaults ← preset ← `settings`.

    Args:
        name: `name` or `name@reading`.
        settings: hyper-parameters.
        like: names of LIKE, of the study whose preset is wanted; what is left out fits no condition.
        said: the scenario, as a study says it.

    Raises:
        UserError: a name, a setting or a value is unknown; the method is not for the scenario.
    """
    method, reading = card_of(name)
    where = f"method '{name}'"
    if reason := hindrance(method):
        raise UserError(f"{where} runs in a study only: {reason}")
    scenario = scenario_of(said, method)
    for key in like or ():
        if key not in LIKE:
            raise UserError(f"{where}: like: there is no '{key}'; {near(key, LIKE)}")
    given = check_settings(settings or {}, method, where)
    facts = {**(like or {}), "reading": reading, **facts_of_scenario(scenario)}
    preset = most_specific(presets.read(method.name, presets_folder()), facts, where)
    chosen = check_settings(preset.settings if preset else {}, method, where)
    filled = fill(method, reading, {**chosen, **given})
    spec = MethodSpec(name=method.name, reading=reading, settings=filled)
    return Asked(name, method, spec, preset, scenario)
