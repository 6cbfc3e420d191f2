"""UNSIR (METHODS 2.23): learn error-maximising noise, impair the model with it, repair on retain data.

1. Noise. `noise` (one picture for each row, label in `noise_labels`, a forget class) is trained for
   `noise_steps` steps of Adam: minimise −CE(model(noise), noise_labels) + noise_penalty · (1/m) Σ_i Σ noise_i².
   The weights of the model do not move.
2. Impair. One epoch of CE on steps that join the (now constant) noise with retain samples.
3. Repair. One epoch of CE on retain samples.

Batches: [impair epoch, repair epoch] (more of either kind are allowed, in this order). Steps:
  ("impair", x, y, rows): the batch is the retain samples x, y followed by noise[rows], noise_labels[rows]
                          (rows may be empty, and so may x)
  ("repair", x, y)

Order of operations in a step: mode; forward; CE mean over the whole joined batch; gradient; one update.
BatchNorm: `noise_mode` in stage 1 ("train" would let the noise move running statistics), `mode` later.

Settings
  noise           tensor, the initial noise (drawn outside); noise_labels: its labels
  noise_steps     25; noise_rate: .1 (Adam)
  noise_penalty   weight of the squared norm; METHODS names none: 0
  noise_mode      "eval" | "train"
  optimizer       of impair and repair; METHODS: {"name": "adam"}, 1e-4
  learning_rates  one number, or one for each epoch (impair, repair), or one for each step
  fresh_optimizer True: the repair stage starts with empty moments
  mode            "train" | "eval" | "bn_eval"

Left open in METHODS: the norm penalty, both modes, how much noise is mixed with how many retain samples,
whether the optimizer is made anew, what the repair stage's rate is.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import optimizers
from .plain import Rates, cross_entropy, gradients, rate_at, set_mode, trainable


def learned_noise(
    model: nn.Module,
    noise: Tensor,
    noise_labels: Tensor,
    noise_steps: int,
    noise_rate: float,
    noise_penalty: float,
    noise_mode: str,
) -> Tensor:
    """Stage 1."""
    noise = noise.detach().clone().requires_grad_(True)
    update = optimizers.build([noise], {"name": "adam"})
    for _ in range(noise_steps):
        set_mode(model, noise_mode)
        squares = torch.stack([(picture * picture).sum() for picture in noise])
        loss = -cross_entropy(model(noise), noise_labels) + noise_penalty * squares.sum() / len(noise)
        update.step(gradients(loss, [noise]), noise_rate)
    return noise.detach()


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    noise: Tensor,
    noise_labels: Tensor,
    noise_mode: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    noise_steps: int = 25,
    noise_rate: float = 0.1,
    noise_penalty: float = 0.0,
    fresh_optimizer: bool = True,
    mode: str = "train",
) -> nn.Module:
    """Impairs and repairs; the model is changed in place and returned."""
    made = learned_noise(model, noise, noise_labels, noise_steps, noise_rate, noise_penalty, noise_mode)
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    repairing = False
    for epoch, steps in enumerate(batches):
        for index, step in enumerate(steps):
            if step[0] == "repair":
                _, x, y = step
                if not repairing and fresh_optimizer:
                    update = optimizers.build(parameters, optimizer)
                repairing = True
            elif step[0] == "impair" and not repairing:
                _, x, y, rows = step
                for row in rows:
                    x = torch.cat([x, made[int(row)][None]])
                    y = torch.cat([y, noise_labels[int(row)][None]])
            else:
                raise ValueError("impair steps, then repair steps")
            set_mode(model, mode)
            loss = cross_entropy(model(x), y)
            update.step(gradients(loss, parameters), rate_at(learning_rates, epoch, index))
    return model
