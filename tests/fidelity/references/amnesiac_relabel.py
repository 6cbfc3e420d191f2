"""Amnesiac by relabelling (repositories of SSD and Bad Teacher): train on forget with wrong labels and on retain.

Each forget sample has ONE wrong label, drawn before the first epoch and kept for all of them.

A step is (x, y, indices): a batch of both sets, shuffled together; y are the true labels, indices[i] says which
training sample it is.

In a step, in this order: y_i ← wrong_labels[index] where the index is in it; training mode; forward; mean CE of the
batch; gradient; one update of the optimizer.

Settings
  wrong_labels    {index of a forget sample: its new label}; a label equal to the true one is refused
  optimizer       see _optimizers.py; released: {"name": "adam"} at 1e-4
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ._losses import cross_entropy
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, steps_with_rates
from ._weights import gradients, trainable


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    wrong_labels: dict[int, int],
    optimizer: dict[str, Any],
    learning_rates: Rates,
) -> nn.Module:
    """Train on relabelled forget with retain; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for (x, y, indices), rate in steps_with_rates(epochs, learning_rates):
        labels = y.clone()
        for i, index in enumerate(indices.tolist()):
            if index in wrong_labels:
                labels[i] = wrong_labels[index]
                if labels[i] == y[i]:
                    raise ValueError(f"sample {index} has its true label")
        set_mode(model, "train")
        update.step(gradients(cross_entropy(model(x), labels), parameters), rate)
    return model
