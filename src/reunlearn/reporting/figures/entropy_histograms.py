"""Entropy of the outputs on forget and test samples (as in PGU, Figure 1: the logarithm of the entropy)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from reunlearn.reporting.figures.panels import draw_panels
from reunlearn.reporting.rows import RowKey

LOWEST = 1e-5


def draw(samples: Mapping[RowKey, pd.DataFrame]) -> Figure:
    """Return one panel per row; `samples`: of each row, with the columns set, entropy."""
    return draw_panels(samples, "entropy", "entropy of a sample's output (nats)", LOWEST)
