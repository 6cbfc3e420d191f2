"""Gradient ascent on the forget set (METHODS 2.3; the SFR-on row in 1.2): minimise −CE(Df).

Step: (x_f, y_f), one batch of Df.

Order of operations in a step: mode; forward; −CE (mean over the batch); gradient; clipping of the total
gradient norm, if any; one optimizer update. Weight decay is the optimizer's own and so always shrinks.
BatchNorm: `mode` at every forward. "train" is the OPTML reading; SFR-on ascends in "eval" (the whole
model, BatchNorm with frozen running statistics).

Settings
  optimizer       see optimizers.py
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  mode            "train" (OPTML) | "eval" (SFR-on) | "bn_eval"
  clip_norm       None (OPTML) | the largest total norm (SFR-on: 0.1)

Left open in METHODS: whether "eval" in SFR-on is there for BatchNorm only (dropout would differ).
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
    optimizer: dict[str, Any],
    learning_rates: Rates,
    mode: str = "train",
    clip_norm: float | None = None,
) -> nn.Module:
    """Ascends the loss of Df; the model is changed in place and returned."""
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, (x_f, y_f) in enumerate(steps):
            set_mode(model, mode)
            loss = -cross_entropy(model(x_f), y_f)
            grads = optimizers.clipped(gradients(loss, parameters), clip_norm)
            update.step(grads, rate_at(learning_rates, epoch, index))
    return model
