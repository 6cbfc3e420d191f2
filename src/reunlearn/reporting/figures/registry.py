"""Figures: one file each, found by its name.

A file has

    CARD: FigureCard
    draw(data) -> Drawn | str

`data` is an `ExperimentData`; for a figure over the whole study a `StudyData`. What `draw` returns instead of a figure
is a sentence that says why there is none, or nothing where none is expected.
"""

from __future__ import annotations

import importlib
from typing import Any

from reunlearn.study.cards import FigureCard


def get(name: str) -> Any:
    """Return a figure's module."""
    return importlib.import_module(f"reunlearn.reporting.figures.{name}")


def card(name: str) -> FigureCard:
    """Return a figure's card."""
    found: FigureCard = get(name).CARD
    return found
