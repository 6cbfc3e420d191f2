"""What a scenario forgets, in words."""

from __future__ import annotations

from typing import Any


def forgotten(scenario: dict[str, Any]) -> str:
    """Return the sentence part that follows "to be forgotten:"."""
    text = WORDS[scenario["kind"]](scenario)
    if scenario["steps"] > 1:
        text += f"; part {scenario['step']} of {scenario['steps']}, from the models of the part before"
    return text


def _numbered(word: str, plural: str, numbers: list[int]) -> str:
    return f"{word if len(numbers) == 1 else plural} {', '.join(map(str, numbers))}"


def _first(scenario: dict[str, Any]) -> str:
    classes = scenario["classes"]
    whose = _numbered("class", "classes", classes) if classes else "each class"
    return f"the first {scenario['count']} samples of {whose} in the official order"


def _label_flip(scenario: dict[str, Any]) -> str:
    pairs = scenario["pairs"]
    which = ", ".join(f"{a} and {b}" for a, b in pairs) if pairs else "drawn at random"
    return f"{scenario['count']} samples per class that were taught the label of the paired class (pairs: {which})"


WORDS = {
    "random": lambda s: f"a random {100 * s['fraction']:g} % of the training set",
    "class": lambda s: f"{_numbered('class', 'classes', s['classes'])}, whole",
    "subclass": lambda s: f"{_numbered('sub-class', 'sub-classes', s['subclasses'])}, whole",
    "first": _first,
    "label_flip": _label_flip,
    "identities": lambda s: f"{s['count']} identities drawn at random, whole",
    "indices": lambda s: f"the samples that {s['file']} lists",
}
