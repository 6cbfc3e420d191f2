"""An objective's card in words: what methods and measures may ask of it, and what serves it."""

from __future__ import annotations

from reunlearn.commands.measure_card import served
from reunlearn.commands.printing import Row, joined, settings_text
from reunlearn.study.cards import Catalogue, ObjectiveCard


def facts(card: ObjectiveCard, cards: Catalogue) -> Row:
    """Return an objective's card in words.

    Args:
        card: of the objective.
        cards: of all plugins.
    """
    networks = [name for name, network in cards.models.items() if card.name in network.objectives]
    measures = [name for name, m in cards.measures.items() if served(m, {card.name: card})]
    return {
        "what": card.summary,
        "gives, besides the loss": joined(card.capabilities),
        "modality of the data": joined(card.modalities),
        "settings": settings_text(card.settings),
        "networks": joined(networks),
        "measures": joined(measures),
    }
