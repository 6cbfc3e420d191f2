"""NegGrad+ (METHODS 2.5, SCRUB repository): minimise α·CE(Dr) − (1−α)·CE(Df).

Step: (x_f, y_f, x_r, y_r). An epoch is one pass over Dr; Df is cycled beside it: when its batches are
used up the SAME batches come again in the same order (`cycled` builds such an epoch).

Order of operations in a step: mode; the two forwards in `forward_order`; the gradient of the sum; one
optimizer update.
BatchNorm: `mode` at both forwards ("train" in METHODS); each batch is normalised by itself.

Settings
  alpha           α, weight of the retain loss: .9999 or .95
  optimizer       see optimizers.py; METHODS: {"name": "sgd", "weight_decay": 0} (VGG: 5e-4)
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  forward_order   "retain_first" | "forget_first"
  mode            "train" | "eval" | "bn_eval"

Left open in METHODS: the momentum; the order of the forwards; whether the cycle over Df starts anew
(with a new shuffle) in every epoch or runs on (the steps given say it).
"""

from __future__ import annotations

from typing import Any

from torch import nn

from . import optimizers
from .plain import Rates, combine, cross_entropy, gradients, rate_at, set_mode, trainable


def cycled(forget: list[Any], retain: list[Any]) -> list[Any]:
    """The steps of one epoch: every retain batch once, forget batch number i mod (how many there are)."""
    return [(*forget[i % len(forget)], *retain[i]) for i in range(len(retain))]


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    alpha: float,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    forward_order: str = "retain_first",
    mode: str = "train",
) -> nn.Module:
    """Descends on the weighted difference; the model is changed in place and returned."""
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
            descent = combine(
                (alpha, gradients(retain_loss, parameters)),
                (-(1 - alpha), gradients(forget_loss, parameters)),
            )
            update.step(descent, rate_at(learning_rates, epoch, index))
    return model
