"""What a model answers when the outputs of forgotten classes are removed: only the other classes can be answered.

PGU, section 4.3: the rows of the forgotten classes leave the last layer before the model is evaluated. Their logits are
left out here, so the model itself stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reunlearn.metrics.classification import accuracy, entropy
from reunlearn.metrics.outputs import Outputs

ACCURACIES = {"retain": "accuracy_retain_masked", "test": "accuracy_test_retained_masked"}


@dataclass(frozen=True)
class Masked:
    """What remains: numbers by name, and the entropy [N] over the remaining classes of each forget sample."""

    numbers: dict[str, float]
    entropies: np.ndarray


def masked(outputs: Outputs, forgotten: np.ndarray) -> Masked:
    """Return the accuracies on retain and on the test samples of remaining classes, and entropies on forget.

    Args:
        outputs: of the model.
        forgotten: the classes whose outputs are removed; at least one class remains.
    """
    remaining = np.setdiff1d(np.arange(outputs.logits["forget"].shape[-1]), forgotten)
    numbers = {}
    for name, number in ACCURACIES.items():
        rows = np.isin(outputs.labels[name], remaining)
        if rows.any():
            labels_N = np.searchsorted(remaining, outputs.labels[name][rows])
            numbers[number] = accuracy(outputs.logits[name][rows][:, remaining], labels_N)
    entropy_N = entropy(outputs.logits["forget"][:, remaining])
    return Masked({**numbers, "entropy_forget_masked": float(entropy_N.mean())}, entropy_N)
