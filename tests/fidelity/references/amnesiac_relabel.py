"""Amnesiac by relabelling (METHODS 2.12 b; SSD and BadT repositories): train on Df' ∪ Dr.

Df' is Df with ONE wrong label for each sample, drawn before the first epoch and kept for all of them.

Step: (x, y, indices): a batch of Df ∪ Dr, shuffled together; y are the true labels, indices[i] says which
training sample it is.

Order of operations in a step: y_i ← wrong_labels[index] where the index is in it; mode; forward; CE mean
over the batch; gradient; one optimizer update.
BatchNorm: `mode` at every forward.

Settings
  wrong_labels    {index of a forget sample: its new label}; a label equal to the true one is refused
  optimizer       see optimizers.py; METHODS: {"name": "adam"}, learning rate 1e-4
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  mode            "train" | "eval" | "bn_eval"

Left open in METHODS: the distribution over wrong classes (uniform elsewhere; an argument here), the mode,
weight decay (optimizer).
"""

from __future__ import annotations

from typing import Any

from torch import nn

from . import optimizers
from .plain import Rates, cross_entropy, gradients, rate_at, set_mode, trainable


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    wrong_labels: dict[int, int],
    optimizer: dict[str, Any],
    learning_rates: Rates,
    mode: str = "train",
) -> nn.Module:
    """Trains on relabelled Df with Dr; the model is changed in place and returned."""
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for step, (x, y, indices) in enumerate(steps):
            labels = y.clone()
            for i, index in enumerate(indices):
                if int(index) in wrong_labels:
                    labels[i] = wrong_labels[int(index)]
                    if labels[i] == y[i]:
                        raise ValueError(f"sample {int(index)} has its true label")
            set_mode(model, mode)
            loss = cross_entropy(model(x), labels)
            update.step(gradients(loss, parameters), rate_at(learning_rates, epoch, step))
    return model
