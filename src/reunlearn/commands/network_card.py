"""A network's card in words."""

from __future__ import annotations

from reunlearn.commands.printing import Row, joined, settings_text
from reunlearn.study.cards import ModelCard


def facts(card: ModelCard) -> Row:
    """Return a network's card in words."""
    smallest, largest = card.sides
    sides = f"from {smallest}" if largest is None else f"{smallest} to {largest}"
    return {
        "what": card.summary,
        "reads": reads(card),
        "objectives": joined(card.objectives),
        "settings": settings_text(card.settings),
        "height and width of images": sides if card.inputs == "images" else "none: it reads texts",
        "one image as a batch": {None: "never in training", 1: "yes"}.get(
            card.alone, f"in training from {card.alone} pixels a side on"
        ),
        "pretrained weights": card.pretrained.words if card.pretrained else "none",
        "feature maps": "yes: other networks can be built around it" if card.maps else "no",
    }


def reads(card: ModelCard) -> str:
    """Return what a network reads."""
    return {"images": "images", "text": "texts"}[card.inputs]
