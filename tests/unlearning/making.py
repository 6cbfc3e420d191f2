"""Methods as the plan makes them, from some hyper-parameters: checked, the others with their defaults."""

from __future__ import annotations

from collections.abc import Mapping

from reunlearn.study.cards import Reading, Value
from reunlearn.study.methods import check_settings, fill
from reunlearn.study.specs import MethodSpec
from reunlearn.unlearning import registry


def make(
    name: str, reading: Reading | None = None, settings: Mapping[str, Value] | None = None
) -> registry.Method:
    """Return a method; without a reading, one that has two is the paper's."""
    card = registry.card(name)
    if card.readings:
        reading = reading or "paper"
    checked = check_settings(settings or {}, card, f"method '{name}'")
    return registry.make(MethodSpec(name=name, reading=reading, settings=fill(card, reading, checked)))
