"""Entropy of the outputs on forget and test samples (as in PGU, Figure 1: the logarithm of the entropy)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from reunlearn.reporting.figures.panels import draw_panels

LOWEST = 1e-5


def draw(samples: pd.DataFrame, order: list[str]) -> Figure:
    """Return one panel per line; `samples` has the columns line, set, entropy."""
    return draw_panels(samples, "entropy", order, "entropy of a sample's output (nats)", LOWEST)
