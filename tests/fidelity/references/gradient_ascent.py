"""Gradient ascent on the forget set: minimise −CE(forget). Graves et al. 2021, Thudi et al. 2022.

A step is (x, y): one batch of forget.

In a step, in this order: mode; forward; −CE, a mean over the batch; gradient; clipping of its total norm, if any; one
update of the optimizer. Weight decay is the optimizer's and so always shrinks.

Settings
  optimizer       see _optimizers.py
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  mode            at every forward: "train" (the repository of Unlearn-Saliency) or "eval" (that of SFR-on: the whole
                  network, BatchNorm with its running statistics)
  clip_norm       None (Unlearn-Saliency), or the largest total norm (SFR-on: 0.1)
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ._losses import cross_entropy
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, clipped, steps_with_rates
from ._weights import gradients, trainable


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    mode: str = "train",
    clip_norm: float | None = None,
) -> nn.Module:
    """Ascend the loss of forget; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for (x, y), rate in steps_with_rates(epochs, learning_rates):
        set_mode(model, mode)
        grads = gradients(-cross_entropy(model(x), y), parameters)
        update.step(clipped(grads, clip_norm), rate)
    return model
