"""Loss of forget and test samples, before and after unlearning (as in ∇τ, Figure 1)."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure

from reunlearn.reporting.figures.panels import Panel, draw_panels
from reunlearn.reporting.rows import RowKey


def draw(panels: Mapping[RowKey, Panel]) -> Figure:
    """Return one panel per row."""
    return draw_panels(panels, "cross-entropy loss of a sample")
