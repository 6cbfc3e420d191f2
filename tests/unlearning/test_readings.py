"""A hyper-parameter that follows the reading has the reading's value wherever it is asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reunlearn.study.catalogue import plugin_names
from reunlearn.study.methods import fill, state_kinds
from reunlearn.unlearning.readings import FOLLOWS, chosen
from reunlearn.unlearning.registry import card
from tests.unlearning.making import make

METHODS = {name: card(name) for name in plugin_names("methods")}
FOLLOWING = [
    (name, key)
    for name, method_card in METHODS.items()
    for key, entry in method_card.hyperparameters.items()
    if entry.default == FOLLOWS
]


@pytest.mark.parametrize(("name", "key"), FOLLOWING)
def test_made_methods_have_the_readings_value(name: str, key: str) -> None:
    entry = card(name).hyperparameters[key]
    assert entry.paper != entry.code
    for reading, settings in ((None, {}), ("paper", {}), ("code", {}), ("code", {key: FOLLOWS})):
        expected = entry.paper if reading in (None, "paper") else entry.code
        method: Any = make(name, reading, settings)
        assert getattr(method, key) == chosen(method, key) == expected
        assert chosen(dataclasses.replace(method, **{key: FOLLOWS}), key) == expected
        by_hand: Any = make(name, reading, {key: entry.code if expected == entry.paper else entry.paper})
        assert chosen(by_hand, key) != expected


@pytest.mark.parametrize("name", METHODS)
def test_no_condition_is_asked_of_a_word_that_follows(name: str) -> None:
    for reading in METHODS[name].readings or [None]:
        settings = fill(METHODS[name], reading, {})
        assert settings.keys() == METHODS[name].hyperparameters.keys()
        assert FOLLOWS not in settings.values()


@pytest.mark.parametrize(
    ("reading", "settings", "expected"),
    [
        ("paper", {}, ["initial_weights"]),
        ("code", {}, []),
        (None, {}, ["initial_weights"]),
        ("paper", {"at": FOLLOWS}, ["initial_weights"]),
        ("paper", {"at": "final"}, []),
        ("code", {"at": "initial"}, ["initial_weights"]),
    ],
)
def test_state_is_asked_for_as_the_reading_needs_it(
    reading: str | None, settings: dict[str, Any], expected: list[str]
) -> None:
    method_card = METHODS["unrolling_sgd"]
    assert state_kinds(method_card, fill(method_card, reading, settings)) == expected
