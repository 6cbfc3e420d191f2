"""L1-sparse fine-tuning: minimise CE(retain) + α_e ‖θ‖₁ over ALL parameters. Jia et al. 2023.

α_e = α (1 − e / (E − E0)) in epoch e = 0 … E−1, and 0 in the last E0 epochs. E is the number of epochs given. No weight
is pruned. A frozen parameter has no gradient and is left out.

A step is (x, y): one batch of retain.

In a step, in this order: training mode; forward; CE; its gradient; + α_e sign(θ) for every parameter, BatchNorm's
weights and biases among them (sign(0) = 0); one update of the optimizer.

Settings
  alpha           α
  no_l1_epochs    E0: how many epochs at the end are without penalty (0)
  optimizer       see _optimizers.py
  learning_rates  one number, or one for each epoch, or one for each step of each epoch

The sources do not say whether e counts from 0; here it does, so that the first epoch has the full α.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ._losses import cross_entropy
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, rate_at
from ._weights import combine, gradients, trainable


def penalty(alpha: float, epoch: int, epochs: int, no_l1_epochs: int) -> float:
    """Return α_e."""
    if epoch >= epochs - no_l1_epochs:
        return 0.0
    return alpha * (1 - epoch / (epochs - no_l1_epochs))


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    alpha: float,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    no_l1_epochs: int = 0,
) -> nn.Module:
    """Fine-tune with the falling penalty; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for epoch, steps in enumerate(epochs):
        alpha_e = penalty(alpha, epoch, len(epochs), no_l1_epochs)
        for number, (x, y) in enumerate(steps):
            set_mode(model, "train")
            of_loss = gradients(cross_entropy(model(x), y), parameters)
            signs = {name: torch.sign(p.detach()) for name, p in parameters.items()}
            update.step(combine((1.0, of_loss), (alpha_e, signs)), rate_at(learning_rates, epoch, number))
    return model
