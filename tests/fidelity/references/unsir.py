"""UNSIR: learn noise that maximises the error, impair the model with it, repair it on retain. Tarun et al. 2023.

1. Noise. `noise` (one image per row, its label in `noise_labels`, a forgotten class) is trained for `noise_steps` steps
   of Adam at 0.1: minimise −CE(model(noise), noise_labels) + noise_penalty · (1/m) Σ_i Σ noise_i². The weights of the
   model do not move.
2. Impair. One epoch of CE on steps that join the noise, now constant, with retain samples.
3. Repair. One epoch of CE on retain samples, with an optimizer of its own.

Epochs: [impair epoch, repair epoch]. Steps:
  ("impair", x, y, rows): the batch is the retain samples x, y followed by noise[rows], noise_labels[rows]; rows may be
                          empty, and so may x
  ("repair", x, y)

In a step, in this order: training mode; forward; mean CE of the whole joined batch; gradient; one update.

Settings
  noise           the initial noise, drawn outside; noise_labels: its labels
  noise_steps     25 in SSD's repository
  noise_penalty   weight of the squared norm
  noise_mode      of the network while the noise learns: "eval", or "train", in which running statistics move
  optimizer       of impair and repair, see _optimizers.py; released: {"name": "adam"} at 1e-4
  learning_rates  one number, or one for each epoch (impair, repair), or one for each step
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._losses import cross_entropy
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, steps_with_rates
from ._weights import gradients, trainable

NOISE_RATE = 0.1


def learned_noise(
    model: nn.Module,
    noise: Tensor,
    noise_labels: Tensor,
    *,
    noise_steps: int,
    noise_penalty: float,
    noise_mode: str,
) -> Tensor:
    """Return the noise after stage 1, in the shape in which it began."""
    moved = {"noise": noise.detach().clone().requires_grad_(True)}
    update = build(moved, {"name": "adam"})
    for _ in range(noise_steps):
        set_mode(model, noise_mode)
        squares = torch.stack([(image * image).sum() for image in moved["noise"]])
        loss = -cross_entropy(model(moved["noise"]), noise_labels) + noise_penalty * squares.mean()
        update.step(gradients(loss, moved), NOISE_RATE)
    return moved["noise"].detach()


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    noise: Tensor,
    noise_labels: Tensor,
    noise_mode: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    noise_steps: int = 25,
    noise_penalty: float = 0.0,
) -> nn.Module:
    """Impair and repair; the model is changed in place and returned."""
    learned = learned_noise(
        model,
        noise,
        noise_labels,
        noise_steps=noise_steps,
        noise_penalty=noise_penalty,
        noise_mode=noise_mode,
    )
    parameters = trainable(model)
    update = build(parameters, optimizer)
    stage = "impair"
    for (kind, x, y, *rows), rate in steps_with_rates(epochs, learning_rates):
        if kind == "repair" and stage == "impair":
            stage, update = "repair", build(parameters, optimizer)
        if kind != stage:
            raise ValueError("impair steps come first, then repair steps")
        for row in rows[0] if kind == "impair" else ():
            x = torch.cat([x, learned[int(row)][None]])
            y = torch.cat([y, noise_labels[int(row)][None]])
        set_mode(model, "train")
        update.step(gradients(cross_entropy(model(x), y), parameters), rate)
    return model
