"""A hyper-parameter that follows the reading has the reading's value wherever it is asked for."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from reunlearn.study.catalogue import plugin_names
from reunlearn.study.methods import as_read, state_kinds
from reunlearn.unlearning.readings import FOLLOWS, chosen
from reunlearn.unlearning.registry import card, make

METHODS = {name: card(name) for name in plugin_names("methods")}
FOLLOWING = [
    (name, key)
    for name, about in METHODS.items()
    for key, facts in about["hyperparameters"].items()
    if facts["default"] == FOLLOWS
]


@pytest.mark.parametrize(("name", "key"), FOLLOWING)
def test_made_methods_have_the_readings_value(name: str, key: str) -> None:
    about = card(name)["hyperparameters"][key]
    assert about["paper"] != about["code"]
    for reading, settings in ((None, {}), ("paper", {}), ("code", {}), ("code", {key: FOLLOWS})):
        expected = about[reading or "paper"]
        method: Any = make(name, reading, settings)
        assert getattr(method, key) == chosen(method, key) == expected
        assert chosen(dataclasses.replace(method, **{key: FOLLOWS}), key) == expected
        by_hand: Any = make(name, reading, {key: about["code" if expected == about["paper"] else "paper"]})
        assert chosen(by_hand, key) != expected


@pytest.mark.parametrize("name", METHODS)
def test_no_condition_is_asked_of_a_word_that_follows(name: str) -> None:
    for reading in METHODS[name]["readings"] or [None]:
        settings = as_read(METHODS[name], reading, {})
        assert settings.keys() == METHODS[name]["hyperparameters"].keys()
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
    about = METHODS["unrolling_sgd"]
    assert state_kinds(about, as_read(about, reading, settings)) == expected
