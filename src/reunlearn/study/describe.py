"""Print the cards of all plugins as JSON. Run as a module by the catalogue; imports torch."""

from __future__ import annotations

import importlib
import json

from reunlearn.study.catalogue import KINDS, plugin_names


def describe() -> dict[str, dict[str, dict]]:
    """Import every plugin and return {kind: {name: card}}."""
    cards: dict[str, dict[str, dict]] = {}
    for kind, folder in KINDS.items():
        registry = importlib.import_module(
            f"reunlearn.{folder.split('/methods')[0].replace('/', '.')}.registry"
        )
        cards[kind] = {name: registry.card(name) for name in plugin_names(kind)}
    return cards


if __name__ == "__main__":
    print(json.dumps(describe(), sort_keys=True))
