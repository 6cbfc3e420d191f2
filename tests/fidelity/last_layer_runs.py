"""What runs of CF-k and EU-k have in common: the warm restarts and the clipping."""

from __future__ import annotations

import math
from typing import Any

from .harness import Run, in_epochs

CLIP = 0.3
# (epochs since the last restart, length of the cycle) of the first four epochs: cycles of 1, 2, 4 epochs
CYCLES = ((0, 1), (0, 2), (1, 2), (0, 4))
RATES = [0.005 + 0.095 * (1 + math.cos(math.pi * done / length)) / 2 for done, length in CYCLES]


def epochs_and_settings(ours: Run, per_epoch: int) -> tuple[list[list[Any]], dict[str, Any]]:
    """Return the epochs of a run and its optimizer's settings, for both references."""
    epochs = in_epochs(ours.batches("retain"), per_epoch)
    return epochs, {"optimizer": ours.optimizer(), "learning_rates": RATES[: len(epochs)]}
