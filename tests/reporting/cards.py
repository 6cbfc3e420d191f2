"""The cards of the synthetic study's plugins; those of measures that are no attacks are the real ones."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reunlearn.measures import registry
from reunlearn.reporting.figures import registry as figures
from reunlearn.reporting.tables import registry as tables
from reunlearn.study.cards import (
    Catalogue,
    Divergence,
    Hyperparameter,
    MeasureCard,
    MethodCard,
    NumberCard,
    Reading,
)
from reunlearn.study.catalogue import plugin_names

GDR_GMA: dict[str, Any] = {
    "readings": ("paper", "code"),
    "divergences": (
        Divergence(where="Eq. 5", paper="λ follows the loss", code="λ < ½ is never reached & stays"),
    ),
    "hyperparameters": {
        "epochs": Hyperparameter(type="int", default=5, doc="passes"),
        "bank_scope": Hyperparameter(
            type="str", default="reading", doc="what it holds", paper="all", code="last"
        ),
    },
}


def method(name: str, **more: Any) -> MethodCard:
    """Return the card of a method."""
    readings: tuple[Reading, ...] = ()
    content = {
        "name": name,
        "summary": f"What {name} does.",
        "paper": f"Paper of {name}",
        "needs": {},
        "readings": readings,
        "divergences": (),
        "capabilities": {},
        "mixed": True,
        "network": None,
        "scenarios": None,
        "hyperparameters": {},
    }
    return MethodCard.model_validate({**content, **more})


def attack(name: str, title: str, unit: str, **more: Any) -> MeasureCard:
    """Return the card of an attack."""
    content = {
        "name": name,
        "summary": f"What {name} does.",
        "title": title,
        "compares": "forget outputs with test outputs",
        "unit": unit,
        "direction": "higher is more leakage",
        "ideal": "Retrain's value <not 50>",
        "column_of": "GDR-GMA 'MIA'",
        "source": "a paper",
        "reads": ("outputs",),
        "capabilities": ("outputs",),
        "attack": True,
    }
    return MeasureCard.model_validate({**content, **more})


def measure(name: str) -> MeasureCard:
    """Return the real card of a measure that is no attack."""
    return MeasureCard.model_validate(registry.card(name))


def catalogue(methods: Iterable[MethodCard], measures: Iterable[MeasureCard]) -> Catalogue:
    """Return a catalogue of some cards, and of all tables and figures."""
    return Catalogue(
        methods={card.name: card for card in methods},
        measures={card.name: card for card in measures},
        models={},
        datasets={},
        objectives={},
        states={},
        tables={name: tables.card(name) for name in plugin_names("tables")},
        figures={name: figures.card(name) for name in plugin_names("figures")},
    )


def number(title: str = "A number", unit: str = "%") -> NumberCard:
    """Return the card of a number."""
    return NumberCard(title=title, compares="this with that", unit=unit, direction="", ideal="")
