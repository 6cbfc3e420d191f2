"""SFR-on: masked ascent with weighted samples between retain steps. Huang et al. 2024, Eq. 3–6.

A step is (x_f, y_f, x_r, y_r); t = 0 … T−1 counts the steps. In steps with t mod k ≠ 0 the forget batch is not used,
and x_f, y_f may be None.

Before the first step, mask at θ0 in evaluation mode: F = mean over BATCHES of the squared batch-mean gradient of CE, on
forget and on retain; m = 1 where (F_f + 1e-15) / (F_r + 1e-15) ≥ γ, else 0, for every parameter.
In step t, in this order:
  1. if t mod k = 0: forget forward; sample losses ℓ_i; weights w_i = ℓ_i^−λ / Σ_j ℓ_j^−λ over the batch, constants for
     the gradient; L_f = Σ_i w_i ℓ_i (no further 1/m); gradient of −a_t L_f; × m; clipping of its total norm to
     `clip_norm`; an update of the optimizer;
  2. retain forward, CE, gradient (no mask, no clipping); an update of the SAME optimizer at the same rate (momentum,
     moments and weight decay are shared, so masked weights do move);
  3. θ ← (1−β) θ_prev + β θ, parameters alone, never BatchNorm's buffers; θ_prev ← θ (at first θ0).
  a_t = a0 (1 + cos(πt/T))/2 ("cosine") or a0 (1 − t/T) ("linear", as on the slides); the learning rate of both updates
  is lr_t = lr (1 + cos(πt/T))/2 ("cosine") or lr ("none").

Settings
  mask_forget, mask_retain   lists of (x, y): a pass over forget and over retain. Both None: m = 1 everywhere
  mask_threshold             γ (1);   every: k;   ascent: a0;   loss_power: λ
  ascent_decay               "cosine" or "linear";   slow_step: β (1 in both released configurations)
  clip_norm                  7, or None;   optimizer: see _optimizers.py;   learning_rate: lr
  learning_rate_decay        "cosine" or "none"
  epsilon_in                 1e-15 is added to ℓ_i ("loss") or to ℓ_i^λ ("power")
  mode                       in both parts of a step: "train", "eval" or "bn_eval"
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from ._losses import cross_entropies, cross_entropy
from ._modes import set_mode
from ._optimizers import build, clipped
from ._weights import Tensors, gradients, trainable, zeros_like

EPSILON = 1e-15


def squared_gradients(model: nn.Module, batches: list[Any]) -> Tensors:
    """Return the mean over batches of the squared gradient of the batch-mean loss, in evaluation mode."""
    parameters = trainable(model)
    set_mode(model, "eval")
    totals = zeros_like(parameters)
    for x, y in batches:
        for name, g in gradients(cross_entropy(model(x), y), parameters).items():
            totals[name] = totals[name] + g * g
    return {name: total / len(batches) for name, total in totals.items()}


def mask_of(model: nn.Module, forget: list[Any], retain: list[Any], threshold: float) -> Tensors:
    """Return m: 1 where the forget set's squared gradients reach `threshold` times those of retain."""
    of_forget, of_retain = squared_gradients(model, forget), squared_gradients(model, retain)
    ratios = {name: (of_forget[name] + EPSILON) / (of_retain[name] + EPSILON) for name in of_forget}
    return {name: (ratio >= threshold).to(ratio.dtype) for name, ratio in ratios.items()}


def half_cosine(start: float, t: int, length: int) -> float:
    """Return start · (1 + cos(πt/T)) / 2."""
    return start * (1 + math.cos(math.pi * t / length)) / 2


def weighted_loss(losses: Tensor, power: float, epsilon_in: str) -> Tensor:
    """Return L_f = Σ_i w_i ℓ_i of the losses [B]."""
    fixed = losses.detach()
    inverses = {"loss": 1 / (fixed + EPSILON) ** power, "power": 1 / (fixed**power + EPSILON)}
    weights = inverses[epsilon_in] / inverses[epsilon_in].sum()
    return (weights * losses).sum()


def reference(
    model: nn.Module,
    steps: list[Any],
    *,
    mask_forget: list[Any] | None,
    mask_retain: list[Any] | None,
    every: int,
    ascent: float,
    loss_power: float,
    optimizer: dict[str, Any],
    learning_rate: float,
    mask_threshold: float = 1.0,
    ascent_decay: str = "cosine",
    learning_rate_decay: str = "cosine",
    clip_norm: float | None = 7.0,
    slow_step: float = 1.0,
    epsilon_in: str = "loss",
    mode: str = "train",
) -> nn.Module:
    """Run all steps; the model is changed in place and returned."""
    parameters = trainable(model)
    mask = {name: torch.ones_like(p) for name, p in parameters.items()}
    if mask_forget is not None and mask_retain is not None:
        mask = mask_of(model, mask_forget, mask_retain, mask_threshold)
    update = build(parameters, optimizer)
    previous = {name: p.detach().clone() for name, p in parameters.items()}
    for t, (x_f, y_f, x_r, y_r) in enumerate(steps):
        rates = {"cosine": half_cosine(learning_rate, t, len(steps)), "none": learning_rate}
        amounts = {"cosine": half_cosine(ascent, t, len(steps)), "linear": ascent * (1 - t / len(steps))}
        set_mode(model, mode)
        if t % every == 0:
            loss = weighted_loss(cross_entropies(model(x_f), y_f), loss_power, epsilon_in)
            grads = gradients(-amounts[ascent_decay] * loss, parameters)
            masked = {name: g * mask[name] for name, g in grads.items()}
            update.step(clipped(masked, clip_norm), rates[learning_rate_decay])
        grads = gradients(cross_entropy(model(x_r), y_r), parameters)
        update.step(grads, rates[learning_rate_decay])
        for name, parameter in parameters.items():
            with torch.no_grad():
                parameter.copy_((1 - slow_step) * previous[name] + slow_step * parameter)
            previous[name] = parameter.detach().clone()
    return model
