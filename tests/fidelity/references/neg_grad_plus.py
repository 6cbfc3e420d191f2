"""NegGrad+ of SCRUB's repository: minimise α CE(retain) − (1−α) CE(forget). Kurmanji et al. 2023.

A step is (x_f, y_f, x_r, y_r). An epoch is one pass over retain. Forget is cycled beside it: when its batches are used
up the SAME batches come again in the same order (`cycled` makes such an epoch).

In a step, in this order: training mode; the retain forward, then the forget forward, each batch normalised by itself;
the gradient of the sum; one update of the optimizer.

Settings
  alpha           α, the weight of the retain loss: 0.9999 or 0.95
  optimizer       see _optimizers.py; released: {"name": "sgd"}
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ._losses import pair_losses
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, steps_with_rates
from ._weights import combine, gradients, trainable


def cycled(forget: list[Any], retain: list[Any]) -> list[Any]:
    """Return the steps of one epoch: each retain batch once, beside the forget batches in turn."""
    return [(*forget[i % len(forget)], *retain[i]) for i in range(len(retain))]


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    alpha: float,
    optimizer: dict[str, Any],
    learning_rates: Rates,
) -> nn.Module:
    """Descend on the weighted difference; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for step, rate in steps_with_rates(epochs, learning_rates):
        set_mode(model, "train")
        forget_loss, retain_loss = pair_losses(model, step, "retain_first")
        g_f, g_r = gradients(forget_loss, parameters), gradients(retain_loss, parameters)
        update.step(combine((alpha, g_r), (-(1 - alpha), g_f)), rate)
    return model
