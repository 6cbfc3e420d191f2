"""∇τ (Eq. 2 and 3, Algorithm 1, Table 6); the square is outside the ReLU, as in Eq. 2.

L = α max(0, L_v − CE(forget))² + (1−α) CE(retain). The gradient is taken from Eq. 3 as it is printed:
    −2α (L_v − CE(forget)) ∇CE(forget) + (1−α) ∇CE(retain)   while CE(forget) < L_v,   else   (1−α) ∇CE(retain).

A step is (x_f, y_f, x_r, y_r): a batch of forget and the next one of retain, of the same size. An epoch is a FORGET
epoch, one pass over forget (the last one may be cut short); retain batches run on across epochs.

At the start of the first forget epoch, and of each whose number from 0 is a multiple of `recompute_every`, L_v is
measured on the present weights in evaluation mode. In a step, in this order: mode; the forget forward, then the retain
forward (Algorithm 1); gradients; one update of the optimizer. Once the forget loss is above L_v its gradient is left
out, but its forward still moves BatchNorm's running statistics.

With t = 0 … T−1 through all epochs, f = t/T (decays_end = "after_last_step") or t/(T−1) ("at_last_step"):
  α_t = α0 (1 − f)                               alpha_decay = "per_step"
  α_t = the same with the epoch's number and the count of epochs in place of t and T     "per_forget_epoch"
  α_t = α0                                       "none"
  lr_t = lr (1 − (1 − lr_end) f), per step; lr_end = 0.1 (1: no decay)

Settings
  validation          L_v itself (a number), or a list of (x, y) batches on which its mean is measured
  recompute_every     None: L_v is measured once, at θ0
  alpha               α0;   alpha_decay and decays_end as above
  optimizer           see _optimizers.py; {"name": "adamw", "weight_decay": 0.01}
  learning_rate, learning_rate_end
  mode                "train", "eval" or "bn_eval"

The paper does not say whether a decay's last value is reached in the last step or after it, and says both that α falls
per step (text, Table 6) and per forget epoch (Algorithm 1): arguments.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from ._losses import mean_loss, pair_losses
from ._modes import set_mode
from ._optimizers import Epochs, build
from ._weights import combine, gradients, trainable


def progress(position: int, count: int, decays_end: str) -> float:
    """Return f, which is 0 at the first position."""
    if decays_end == "after_last_step":
        return position / count
    if decays_end == "at_last_step":
        return position / (count - 1) if count > 1 else 0.0
    raise ValueError(f"{decays_end} is neither after_last_step nor at_last_step")


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    validation: float | list[Any],
    alpha: float,
    optimizer: dict[str, Any],
    learning_rate: float,
    decays_end: str,
    alpha_decay: str = "per_step",
    learning_rate_end: float = 0.1,
    recompute_every: int | None = None,
    mode: str = "train",
) -> nn.Module:
    """Run all steps; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    total = sum(len(steps) for steps in epochs)
    level, t = 0.0, 0
    for epoch, steps in enumerate(epochs):
        if isinstance(validation, int | float):
            level = float(validation)
        elif epoch == 0 or (recompute_every is not None and epoch % recompute_every == 0):
            level = mean_loss(model, validation, "eval")
        for step in steps:
            factors = {
                "per_step": 1 - progress(t, total, decays_end),
                "per_forget_epoch": 1 - progress(epoch, len(epochs), decays_end),
                "none": 1.0,
            }
            alpha_t = alpha * factors[alpha_decay]
            rate = learning_rate * (1 - (1 - learning_rate_end) * progress(t, total, decays_end))
            set_mode(model, mode)
            forget_loss, retain_loss = pair_losses(model, step, "forget_first")
            parts = [(1 - alpha_t, gradients(retain_loss, parameters))]
            gap = level - float(forget_loss.detach())
            if gap > 0:
                parts.append((-2 * alpha_t * gap, gradients(forget_loss, parameters)))
            update.step(combine(*parts), rate)
            t += 1
    return model
