"""nabla-tau (METHODS 1.3; paper: Eq. 2 and 3, Algorithm 1, Table 6); the square is outside the ReLU (Eq. 2).

L = α max(0, L_v − CE(Bf))² + (1−α) CE(Br). The gradient is taken from Eq. 3 as it is printed:
    −2α (L_v − CE(Bf)) ∇CE(Bf) + (1−α) ∇CE(Br)   while CE(Bf) < L_v,   else   (1−α) ∇CE(Br).

Step: (x_f, y_f, x_r, y_r): a batch of Df and the next one of Dr, of the same size. An epoch of `batches` is a
FORGET epoch, one pass over Df (the last one may be cut short); retain batches run on across epochs.

Order of operations: at the start of a forget epoch whose number (from 0) is a multiple of
`recompute_every`, and of the first one, L_v is measured on the present weights. In a step: two forwards
(forget first, as in Algorithm 1); gradients; one optimizer update. Once the forget loss is above L_v,
its gradient is left out but its forward still moves BatchNorm's running statistics.
BatchNorm: `mode` in steps, "eval" for L_v.

With t = 0 … T−1 through all epochs, f = t/T (decays_end = "after_last_step") or t/(T−1) ("at_last_step"):
  α_t = α0 (1 − f)                               alpha_decay = "per_step"
  α_t = the same at the epoch's number and the count of epochs instead of t and T    "per_forget_epoch"
  α_t = α0                                       "none"
  lr_t = lr (1 − (1 − lr_end) f), per step; lr_end = .1 (1: no decay)

Settings
  validation          L_v itself (a number), or a list of (x, y) batches on which its mean is measured
  recompute_every     c, or None: measured once, at θ0
  alpha               α0;   alpha_decay and decays_end as above
  optimizer           see optimizers.py; {"name": "adamw", "weight_decay": .01}
  learning_rate, learning_rate_end
  forward_order       "forget_first" | "retain_first"
  mode                "train" | "eval" | "bn_eval"

Left open in METHODS: c; whether a decay's last value is reached in the last step or after it; per step
(text, Table 6) or per forget epoch (Algorithm 1); the mode; the mode for L_v (here "eval"); samples of
L_v in class removal (the batches given).
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from . import optimizers
from .plain import combine, cross_entropy, gradients, mean_loss, set_mode, trainable


def progress(position: int, count: int, decays_end: str) -> float:
    """f: 0 at the first position."""
    if decays_end == "after_last_step":
        return position / count
    if decays_end == "at_last_step":
        return position / (count - 1) if count > 1 else 0.0
    raise ValueError(decays_end)


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    validation: float | list[Any],
    alpha: float,
    optimizer: dict[str, Any],
    learning_rate: float,
    decays_end: str,
    alpha_decay: str = "per_step",
    learning_rate_end: float = 0.1,
    recompute_every: int | None = None,
    forward_order: str = "forget_first",
    mode: str = "train",
) -> nn.Module:
    """Runs all steps; the model is changed in place and returned."""
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    total = sum(len(steps) for steps in batches)
    level, t = 0.0, 0
    for epoch, steps in enumerate(batches):
        if isinstance(validation, int | float):
            level = float(validation)
        elif epoch == 0 or (recompute_every is not None and epoch % recompute_every == 0):
            level = mean_loss(model, validation, "eval")
        for x_f, y_f, x_r, y_r in steps:
            factors = {
                "per_step": 1 - progress(t, total, decays_end),
                "per_forget_epoch": 1 - progress(epoch, len(batches), decays_end),
                "none": 1.0,
            }
            alpha_t = alpha * factors[alpha_decay]
            rate = learning_rate * (1 - (1 - learning_rate_end) * progress(t, total, decays_end))
            set_mode(model, mode)
            if forward_order == "forget_first":
                forget_loss = cross_entropy(model(x_f), y_f)
                retain_loss = cross_entropy(model(x_r), y_r)
            elif forward_order == "retain_first":
                retain_loss = cross_entropy(model(x_r), y_r)
                forget_loss = cross_entropy(model(x_f), y_f)
            else:
                raise ValueError(forward_order)
            parts: list[tuple[float, list[Tensor | None]]] = [
                (1 - alpha_t, gradients(retain_loss, parameters, retain_graph=True))
            ]
            gap = level - float(forget_loss.detach())
            if gap > 0:
                parts.append((-2 * alpha_t * gap, gradients(forget_loss, parameters)))
            update.step(combine(*parts), rate)
            t += 1
    return model
