"""NegGrad as GDR-GMA has it (its section 3): θ ← θ + η (w_f g_f − w_r g_r).

g_f = ∇CE(forget batch) and g_r = ∇CE(retain batch) at the same weights, one batch of each in a step.

A step is (x_f, y_f, x_r, y_r).

In a step, in this order: training mode; the two forwards in `forward_order`, each batch normalised by itself; the two
gradients; one update of the optimizer along −w_f g_f + w_r g_r.

Settings
  optimizer       see _optimizers.py; the equation itself is {"name": "sgd"} without momentum and weight decay
  learning_rates  η: one number, or one for each epoch, or one for each step of each epoch
  forget_weight   w_f: 1 in the equation, 0.1 to 0.9 in the paper's Table 1
  retain_weight   w_r: 1 in the equation, 1 − w_f in the paper's Table 1
  forward_order   "retain_first" or "forget_first": it shows in BatchNorm's running statistics alone

The paper does not say η, the epochs, the optimizer, the order of the forwards, nor what an epoch is when the sets
differ in length: the steps given say it.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ._losses import pair_losses
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, steps_with_rates
from ._weights import combine, gradients, trainable


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    forget_weight: float = 1.0,
    retain_weight: float = 1.0,
    forward_order: str = "retain_first",
) -> nn.Module:
    """Descend on retain and ascend on forget at once; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for step, rate in steps_with_rates(epochs, learning_rates):
        set_mode(model, "train")
        forget_loss, retain_loss = pair_losses(model, step, forward_order)
        g_f, g_r = gradients(forget_loss, parameters), gradients(retain_loss, parameters)
        update.step(combine((-forget_weight, g_f), (retain_weight, g_r)), rate)
    return model
