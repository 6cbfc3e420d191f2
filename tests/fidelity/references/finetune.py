"""Fine-tuning on the retain set: minimise CE(retain). Warnecke et al. 2021, Golatkar et al. 2020.

A step is (x, y): one batch of retain as the network is to see it, after augmentation if there is any.

In a step, in this order: mode; forward; mean CE of the batch; gradient; one update of the optimizer.

Settings
  optimizer       see _optimizers.py
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  mode            at every forward: "train" (BatchNorm uses the batch, its running statistics move), "eval" or
                  "bn_eval"
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
    optimizer: dict[str, Any],
    learning_rates: Rates,
    mode: str = "train",
) -> nn.Module:
    """Train on retain; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for (x, y), rate in steps_with_rates(epochs, learning_rates):
        set_mode(model, mode)
        update.step(gradients(cross_entropy(model(x), y), parameters), rate)
    return model
