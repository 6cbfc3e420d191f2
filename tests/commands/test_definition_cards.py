"""`measures`, `attacks`, `objectives` and `models` in words: whole cards, and what goes with what."""

from __future__ import annotations

import json

import pytest

from reunlearn.commands import list_measures, list_plugins, measure_card, network_card, objective_card
from reunlearn.study.cards import MeasureCard, NumberCard, UserFile
from reunlearn.study.catalogue import catalogue

CARD = MeasureCard(
    name="made",
    summary="What it does.",
    title="Made",
    compares="one with another",
    unit="per cent",
    direction="higher leaks",
    ideal="50",
    reads=("outputs", "reference"),
    capabilities=("outputs",),
    pools=("halves",),
    settings={"cap": 10},
    scenarios=("class",),
    numbers={
        "rate": NumberCard(title="Rate", compares="a with b", unit="%", direction="higher", ideal="0"),
    },
)


def test_a_card_in_words() -> None:
    words = measure_card.facts(CARD, catalogue().objectives)
    assert words["measured"] == "if named in `measures`"
    assert words["objectives"] == "classification, text"
    assert (words["settings"], words["scenarios"], words["files of yours"]) == ("cap 10", "class", "none")
    file = UserFile(words="it is somewhere", layers={})
    with_file = measure_card.facts(
        CARD.model_copy(update={"files": {"weights": file}}), catalogue().objectives
    )
    assert with_file["files of yours"] == "weights: it is somewhere"
    assert (words["reads"], words["pools of shadow models"]) == ("outputs, reference", "halves")
    (number,) = measure_card.numbers(CARD)
    assert list(number.values()) == ["rate", "Rate", "a with b", "%", "0"]


def test_when_it_is_measured() -> None:
    assert measure_card.asked_for(CARD.model_copy(update={"default": True})) == "always"
    assert measure_card.asked_for(CARD.model_copy(update={"attack": True})) == "if named in `attacks`"


@pytest.mark.parametrize("kind", ["measures", "models", "objectives"])
def test_every_card_is_whole(kind: str) -> None:
    cards = catalogue()
    facts = {
        "measures": lambda card: measure_card.facts(card, cards.objectives),
        "models": network_card.facts,
        "objectives": lambda card: objective_card.facts(card, cards),
    }[kind]
    for card in getattr(cards, kind).values():
        assert all(value.strip() and "None" not in value for value in facts(card).values()), card.name


def test_measures_are_those_of_the_catalogue_and_attacks_are_among_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    list_measures.measures(None, as_json=True)
    every = [card["name"] for card in json.loads(capsys.readouterr().out)]
    list_measures.attacks(None, as_json=True)
    attacks = [card["name"] for card in json.loads(capsys.readouterr().out)]
    assert every == list(catalogue().measures) and attacks == list(catalogue().attacks)
    assert set(attacks) < set(every)


def test_what_serves_an_objective() -> None:
    cards = catalogue()
    words = objective_card.facts(cards.objectives["noise_prediction"], cards)
    assert "small_denoiser" in words["networks"].split(", ")
    assert "denoising_loss" in words["measures"] and "evaluation" not in words["measures"].split(", ")
    assert "timesteps" in words["settings"]


def test_networks_say_which_objectives_they_serve(capsys: pytest.CaptureFixture[str]) -> None:
    list_plugins.models("small_transformer", as_json=False)
    out = capsys.readouterr().out
    (line,) = [line for line in out.splitlines() if "objectives" in line]
    assert "text" in line
