"""Which preset of a method a row of an experiment gets: the most specific one of those that fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reunlearn.base.errors import UserError
from reunlearn.study.presets import SCENARIO_FIELDS, Preset, Values
from reunlearn.study.rows import Method
from reunlearn.study.scenario import Scenario
from reunlearn.study.schema import Experiment


def choose(presets: dict[str, Preset], method: Method, experiment: Experiment, where: str) -> Preset | None:
    """Return the most specific preset that fits; None if no preset fits.

    Args:
        presets: of the method, by place.
        method: the row.
        experiment: its table.
        where: begins the error line.

    Raises:
        UserError: several presets fit, and no one is more specific than all others.
    """
    return most_specific(presets, _facts(method, experiment), where)


def most_specific(presets: Mapping[str, Preset], facts: Mapping[str, Any], where: str) -> Preset | None:
    """Return the most specific preset that fits what is known by the conditions' names; see `choose`.

    A condition on what is not in `facts` does not hold.
    """
    fitting = {place: preset for place, preset in presets.items() if _fits(preset.conditions.values, facts)}
    for preset in fitting.values():
        values, others = preset.conditions.values, [p for p in fitting.values() if p is not preset]
        if all(_is_more_specific(values, other.conditions.values) for other in others):
            return preset
    if fitting:
        raise UserError(f"{where}: {_ambiguous(fitting)}")
    return None


def _facts(method: Method, experiment: Experiment) -> dict[str, Any]:
    """Return what conditions ask about a row, by the conditions' names."""
    scenario = experiment.scenario
    return {
        "dataset": experiment.dataset.name,
        "architecture": experiment.architecture.key,
        "recipe": method.recipe or experiment.recipe.name,
        "reading": method.reading,
        **facts_of_scenario(scenario),
    }


def facts_of_scenario(scenario: Scenario) -> dict[str, Any]:
    """Return what conditions ask about a scenario, by the conditions' names."""
    return {f"scenario.{name}": getattr(scenario, name, None) for name in SCENARIO_FIELDS}


def _fits(conditions: Mapping[str, Values], facts: Mapping[str, Any]) -> bool:
    """Tell whether every condition holds."""
    return all(
        not values or any(lies_in(facts.get(name), value) for value in values)
        for name, values in conditions.items()
    )


def lies_in(fact: Any, value: Any) -> bool:
    """Tell whether a fact, or a narrower condition's value, is what a condition's value names.

    A number stands for all lists so long. The order of a list's numbers means nothing.
    """
    if isinstance(fact, tuple):
        return len(fact) == value if isinstance(value, int) else _sorted(fact) == _sorted(value)
    return bool(fact == value)


def _sorted(numbers: tuple[Any, ...]) -> list[Any]:
    return sorted(tuple(sorted(part)) if isinstance(part, tuple) else part for part in numbers)


def _is_more_specific(one: dict[str, Values], other: dict[str, Values]) -> bool:
    """Tell whether `one` has all conditions of `other` and more, or the same conditions with fewer values."""
    if one.keys() != other.keys():
        return one.keys() > other.keys()
    return _lie_in(one, other) and not _lie_in(other, one)


def _lie_in(one: dict[str, Values], other: dict[str, Values]) -> bool:
    """Tell whether each condition's values of `one` are values of `other`; both have the same conditions."""
    return all(
        not outer or (values and all(any(lies_in(value, o) for o in outer) for value in values))
        for values, outer in ((one[name], other[name]) for name in one)
    )


def _ambiguous(fitting: dict[str, Preset]) -> str:
    """Return which presets fit, none of them more specific than the others, and what would make one so."""
    rivals = {
        place: preset
        for place, preset in fitting.items()
        if not any(
            _is_more_specific(other.conditions.values, preset.conditions.values) for other in fitting.values()
        )
    }
    every = {name for preset in rivals.values() for name in preset.conditions.values}
    names = " and ".join(f"{place} ({preset.source!r})" for place, preset in rivals.items())
    remedies = []
    for place, preset in rivals.items():
        if lacking := every - preset.conditions.values.keys():
            number = place.rsplit(": ", 1)[1]
            remedies.append(f"to let {number} win, add {_written(lacking)} to its conditions")
    remedy = "; ".join(remedies) or "they have the same conditions: give one of them another or fewer values"
    return f"several presets fit and no one is more specific than the others: {names}; {remedy}"


def _written(conditions: set[str]) -> str:
    """Return conditions that hold for any value, as they stand in a file."""
    outer = [f"{name}: any" for name in sorted(conditions) if "." not in name]
    inner = [f"{name.partition('.')[2]}: any" for name in sorted(conditions) if "." in name]
    whole = outer + ([f"scenario: {{{', '.join(inner)}}}"] if inner else [])
    return f"'{', '.join(whole)}'"
