"""Entropy of the outputs on forget and test samples (as in PGU, Figure 1: the logarithm of the entropy)."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from reunlearn.reporting.figures.panels import Panel, draw_panels
from reunlearn.reporting.rows import RowKey


def draw(panels: Mapping[RowKey, Panel]) -> Figure:
    """Return one panel per row."""
    return draw_panels(panels, "entropy of a sample's output (nats)")
