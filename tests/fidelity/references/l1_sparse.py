"""L1-sparse fine-tuning (METHODS 2.10): minimise CE(Dr) + α_e ‖θ‖₁ over ALL parameters.

α_e = α (1 − e / (E − E0)) in epoch e = 0 … E−1, and 0 in the last E0 epochs. E is the number of epochs
given. No weight is pruned.

Step: (x, y), one batch of Dr.

Order of operations in a step: mode; forward; CE; gradient of CE; + α_e sign(θ) for every parameter,
BatchNorm's weights and biases among them (sign(0) = 0); one optimizer update.
BatchNorm: `mode` at every forward.

Settings
  alpha           α
  no_l1_epochs    E0, how many epochs at the end are without penalty (0)
  optimizer       see optimizers.py
  learning_rates  one number, or one for each epoch, or one for each step of each epoch
  mode            "train" | "eval" | "bn_eval"

Left open in METHODS: whether e counts from 0 (here: from 0, so the first epoch has the full α); the mode.
A frozen parameter adds to ‖θ‖₁ but has no gradient, so it is left out.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import optimizers
from .plain import Rates, cross_entropy, gradients, rate_at, set_mode, trainable


def penalty(alpha: float, epoch: int, epochs: int, no_l1_epochs: int) -> float:
    """α_e."""
    if epoch >= epochs - no_l1_epochs:
        return 0.0
    return alpha * (1 - epoch / (epochs - no_l1_epochs))


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    alpha: float,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    no_l1_epochs: int = 0,
    mode: str = "train",
) -> nn.Module:
    """Fine-tunes with the decaying penalty; the model is changed in place and returned."""
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        alpha_e = penalty(alpha, epoch, len(batches), no_l1_epochs)
        for index, (x, y) in enumerate(steps):
            set_mode(model, mode)
            of_loss = gradients(cross_entropy(model(x), y), parameters)
            total: list[Tensor | None] = []
            for parameter, gradient in zip(parameters, of_loss, strict=True):
                slope = alpha_e * torch.sign(parameter.detach())
                total.append(slope if gradient is None else gradient + slope)
            update.step(total, rate_at(learning_rates, epoch, index))
    return model
