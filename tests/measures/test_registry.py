"""What every measure says of itself; a new file in measures/ joins by being there."""

from __future__ import annotations

import importlib

import pytest

from reunlearn.measures.registry import card, get
from reunlearn.study.cards import MeasureCard
from reunlearn.study.catalogue import catalogue, plugin_names
from reunlearn.study.shadows import Shadows

MEASURES, ATTACKS = plugin_names("measures"), plugin_names("attacks")
READS = {"network", "outputs", "reference", "weights", "original", "samples", "classifier"}


@pytest.mark.parametrize("name", MEASURES)
def test_a_file_is_a_measure(name: str) -> None:
    module = importlib.import_module(f"reunlearn.measures.{name}")
    known = MeasureCard.model_validate(card(name))
    assert get(name) is module.run
    assert known.name == name and not known.attack
    assert (module.__doc__ or "").startswith(known.summary)
    assert "\n" not in known.summary
    for text in (known.title, known.compares, known.unit, known.direction, known.ideal):
        assert text.strip() and "\n" not in text
    assert known.reads and set(known.reads) <= READS
    assert {*known.pools, *known.optional_pools} <= set(Shadows.model_fields)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_a_measure_of_outputs(name: str) -> None:
    known = catalogue().measures[name]
    assert known.attack and callable(get(name))
    assert set(known.reads) == ({"outputs", "reference"} if known.pools else {"outputs"})
    assert known.headline in ((), (name,))


def test_the_catalogue_knows_measures_and_attacks_and_nothing_else() -> None:
    assert set(catalogue().measures) == {*MEASURES, *ATTACKS}
    assert set(catalogue().attacks) == set(ATTACKS)
    assert not set(MEASURES) & set(ATTACKS)


def test_the_defaults_fit_every_objective() -> None:
    """Of each objective there is something that is measured on every run."""
    defaults = [known for known in catalogue().measures.values() if known.default]
    for objective in catalogue().objectives.values():
        assert [k for k in defaults if set(k.capabilities) <= set(objective.capabilities)], objective.name


def test_an_unknown_name_is_no_measure() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"reunlearn\.attacks\.none"):
        get("none")
