"""Loss of forget and test samples, before and after unlearning (as in ∇τ, Figure 1)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from reunlearn.reporting.figures.panels import draw_panels

LOWEST = 1e-5


def draw(samples: pd.DataFrame, order: list[str]) -> Figure:
    """Return one panel per line; `samples` has the columns line, set, loss."""
    return draw_panels(samples, "loss", order, "cross-entropy loss of a sample", LOWEST)
