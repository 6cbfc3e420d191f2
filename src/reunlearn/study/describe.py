"""Print the cards of all plugins as JSON. Run as a module by the catalogue; imports torch."""

from __future__ import annotations

import importlib

from reunlearn.study.cards import Catalogue
from reunlearn.study.catalogue import KINDS, plugin_names


def describe() -> Catalogue:
    """Import every plugin and return its card. An attack is a measure, too."""
    cards: dict[str, dict[str, object]] = {}
    for kind, folder in KINDS.items():
        registry = importlib.import_module(
            f"reunlearn.{folder.removesuffix('/methods').replace('/', '.')}.registry"
        )
        cards[kind] = {name: registry.card(name) for name in plugin_names(kind)}
    cards["measures"] |= cards.pop("attacks")
    return Catalogue.model_validate(cards)


if __name__ == "__main__":
    print(describe().model_dump_json())
