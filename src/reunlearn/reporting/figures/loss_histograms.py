"""Loss of forget and test samples, before and after unlearning (as in ∇τ, Figure 1)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from reunlearn.reporting.figures.panels import draw_panels
from reunlearn.reporting.rows import RowKey

LOWEST = 1e-5


def draw(samples: Mapping[RowKey, pd.DataFrame]) -> Figure:
    """Return one panel per row; `samples`: of each row, with the columns set, loss."""
    return draw_panels(samples, "loss", "cross-entropy loss of a sample", LOWEST)
