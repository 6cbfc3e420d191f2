"""SFR-on (METHODS 1.2, corrections 11 in section 7): masked, sample-weighted ascent between retain steps.

Step: (x_f, y_f, x_r, y_r); t = 0 … T−1 counts the steps through all epochs. In steps with t mod k ≠ 0 the
forget batch is not used, and x_f, y_f may be None.

Before the first step, mask at θ0, evaluation mode: F = mean over BATCHES of the squared batch-mean gradient
of CE, on Df and on Dr; m = 1 where (F_f + 1e-15) / (F_r + 1e-15) ≥ γ, else 0, for every parameter.
Order of operations in step t:
  1. if t mod k = 0: forget forward; sample losses ℓ_i; weights w_i = ℓ_i^−λ / Σ_j ℓ_j^−λ over the batch,
     constants for the gradient; L_f = Σ_i w_i ℓ_i (no further 1/m: the mean of m·w_i·ℓ_i);
     gradient of −a_t L_f; × m; clipping of the total norm to `clip_norm`; optimizer update;
  2. retain forward, CE, gradient (no mask, no clipping); an update of the SAME optimizer (momentum, moments
     and weight decay are shared, so masked weights do move);
  3. θ ← (1−β) θ_prev + β θ, parameters only, never BatchNorm's buffers; θ_prev ← θ (at first θ0).
  a_t = a0 (1 + cos(πt/T))/2 ("cosine") or a0 (1 − t/T) ("linear", as on the slides); the learning rate of
  both updates is lr_t = lr (1 + cos(πt/T))/2 ("cosine") or lr ("none").
BatchNorm: "eval" for the mask; `mode` in both steps.

Settings
  mask_forget, mask_retain   lists of (x, y): a pass over Df and over Dr. Both None: m = 1 everywhere
  mask_threshold             γ (1);   every: k;   ascent: a0;   loss_power: λ
  ascent_decay               "cosine" | "linear";   slow_step: β (1 in both released configurations)
  clip_norm                  7, or None;   optimizer: see optimizers.py;   learning_rate: lr
  learning_rate_decay        "cosine" | "none"
  loss_epsilon, epsilon_in   1e-15, added to ℓ_i ("loss") or to ℓ_i^λ ("power")
  mode                       "train" | "eval" | "bn_eval"

Left open in METHODS: where the 1e-15 of the weights is added (no difference unless a loss is that
small); that the two updates of a step have the same learning rate (assumed here).
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from . import optimizers
from .plain import cross_entropies, cross_entropy, gradients, set_mode, trainable


def squared_gradients(model: nn.Module, batches: list[Any]) -> list[Tensor]:
    """Mean over batches of the squared gradient of the batch-mean loss, evaluation mode."""
    parameters = trainable(model)
    set_mode(model, "eval")
    totals = [torch.zeros_like(p) for p in parameters]
    for x, y in batches:
        for i, g in enumerate(gradients(cross_entropy(model(x), y), parameters)):
            if g is not None:
                totals[i] = totals[i] + g * g
    return [total / len(batches) for total in totals]


def half_cosine(start: float, t: int, length: int) -> float:
    """start · (1 + cos(πt/T)) / 2."""
    return start * (1 + math.cos(math.pi * t / length)) / 2


def weighted_loss(losses: Tensor, power: float, epsilon: float, epsilon_in: str) -> Tensor:
    """L_f = Σ_i w_i ℓ_i."""
    fixed = losses.detach()
    if epsilon_in == "loss":
        inverse = 1 / (fixed + epsilon) ** power
    elif epsilon_in == "power":
        inverse = 1 / (fixed**power + epsilon)
    else:
        raise ValueError(epsilon_in)
    weights = inverse / inverse.sum()
    return (weights * losses).sum()


def reference(
    model: nn.Module,
    batches: list[list[Any]],
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
    loss_epsilon: float = 1e-15,
    epsilon_in: str = "loss",
    mode: str = "train",
) -> nn.Module:
    """Runs all steps; the model is changed in place and returned."""
    parameters = trainable(model)
    mask = [torch.ones_like(p) for p in parameters]
    if mask_forget is not None and mask_retain is not None:
        of_forget, of_retain = squared_gradients(model, mask_forget), squared_gradients(model, mask_retain)
        for i in range(len(mask)):
            ratio = (of_forget[i] + 1e-15) / (of_retain[i] + 1e-15)
            mask[i] = (ratio >= mask_threshold).to(parameters[i].dtype)
    update = optimizers.build(parameters, optimizer)
    previous = [p.detach().clone() for p in parameters]
    steps = [step for epoch in batches for step in epoch]
    for t, (x_f, y_f, x_r, y_r) in enumerate(steps):
        rates = {"cosine": half_cosine(learning_rate, t, len(steps)), "none": learning_rate}
        amounts = {"cosine": half_cosine(ascent, t, len(steps)), "linear": ascent * (1 - t / len(steps))}
        set_mode(model, mode)
        if t % every == 0:
            loss = weighted_loss(cross_entropies(model(x_f), y_f), loss_power, loss_epsilon, epsilon_in)
            grads = gradients(-amounts[ascent_decay] * loss, parameters)
            masked = [None if g is None else g * m for g, m in zip(grads, mask, strict=True)]
            update.step(optimizers.clipped(masked, clip_norm), rates[learning_rate_decay])
        grads = gradients(cross_entropy(model(x_r), y_r), parameters)
        update.step(grads, rates[learning_rate_decay])
        for i, parameter in enumerate(parameters):
            with torch.no_grad():
                parameter.copy_((1 - slow_step) * previous[i] + slow_step * parameter)
            previous[i] = parameter.detach().clone()
    return model
