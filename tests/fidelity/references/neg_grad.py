"""NegGrad as GDR-GMA has it (METHODS 2.4; paper of GDR-GMA, section 3): ω ← ω + η (w_f g_f − w_r g_r).

g_f = ∇CE(Bf) and g_r = ∇CE(Br) at the same weights, one batch of each in a step.

Step: (x_f, y_f, x_r, y_r).

Order of operations in a step: mode; the two forwards in `forward_order` (this decides only the order in
which BatchNorm's running statistics move); the two gradients; one optimizer update along
−w_f g_f + w_r g_r.
BatchNorm: `mode` at both forwards; each batch is normalised by itself, never the two together.

Settings
  optimizer       see optimizers.py; the equation itself is {"name": "sgd"} (no momentum, no weight decay)
  learning_rates  η: one number, or one for each epoch, or one for each step of each epoch
  forget_weight   w_f, 1 in the equation; .1 … .9 in the paper's Table 1
  retain_weight   w_r, 1 in the equation; 1 − w_f in the paper's Table 1
  forward_order   "retain_first" | "forget_first"
  mode            "train" | "eval" | "bn_eval"

Left open in METHODS: η, epochs, optimizer, order of the forwards, mode, whether "equal weights" are 1 and 1
or .5 and .5, and what an epoch is when Df and Dr differ in length (the steps given say it).
"""

from __future__ import annotations

from typing import Any

from torch import nn

from . import optimizers
from .plain import Rates, combine, cross_entropy, gradients, rate_at, set_mode, trainable


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    forget_weight: float = 1.0,
    retain_weight: float = 1.0,
    forward_order: str = "retain_first",
    mode: str = "train",
) -> nn.Module:
    """Descends on Dr and ascends on Df at once; the model is changed in place and returned."""
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, (x_f, y_f, x_r, y_r) in enumerate(steps):
            set_mode(model, mode)
            if forward_order == "retain_first":
                retain_loss = cross_entropy(model(x_r), y_r)
                forget_loss = cross_entropy(model(x_f), y_f)
            elif forward_order == "forget_first":
                forget_loss = cross_entropy(model(x_f), y_f)
                retain_loss = cross_entropy(model(x_r), y_r)
            else:
                raise ValueError(forward_order)
            g_f = gradients(forget_loss, parameters)
            g_r = gradients(retain_loss, parameters)
            descent = combine((-forget_weight, g_f), (retain_weight, g_r))
            update.step(descent, rate_at(learning_rates, epoch, index))
    return model
