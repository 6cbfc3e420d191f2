"""LUR, learning to unlearn while retaining (METHODS 1.5; slides "LUR Formulation", "Gradient Analysis").

    θ' = θ − α ∇L_r(θ);   minimise L_r(θ) + λ L_f(θ')
    exact:        g = ∇L_r(θ) + λ (I − α ∇²L_r(θ)) ∇L_f(θ')
    first order:  g = ∇L_r(θ) + λ ∇L_f(θ')

Step: (x_f, y_f, x_r, y_r). With forget_loss = "random_label" y_f holds the drawn labels; with "neg_ce" the
true ones.

Order of operations in a step: mode; retain forward at θ, L_r = CE(Br); its gradient; θ' in a COPY of the
model (all trainable parameters are displaced; no weight decay or momentum in this inner step); forget
forward there, L_f = CE(Bf) or −CE(Bf); its gradient v; for the exact reading the Hessian's product
∇²L_r(θ) v = ∇<∇L_r(θ), v>, v constant; one optimizer update of θ along g.
BatchNorm: `mode` at both forwards. In "train" L_r and θ' see the batch statistics of Br, L_f those of Bf;
the retain forward moves the running statistics once, the forget forward once more if `outer_moves_buffers`
(the copy's buffers are taken over), else not at all. No other forward is done. Batch statistics are
functions of θ, so the Hessian goes through them.

Settings
  alpha                α of the inner step
  forget_loss          "random_label" | "neg_ce"
  balance              λ, 1 in the final objective
  optimizer            see optimizers.py;   learning_rates: η
  outer_moves_buffers  see above
  mode                 "train" | "eval" | "bn_eval"

Left open in METHODS: L_f, α, η, epochs; whether the slides' experiments are exact or first order; whether
"not updated twice" forbids the outer forward to move the running statistics (outer_moves_buffers, no
default); what an epoch is (the steps given).
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from . import optimizers
from .plain import Rates, combine, cross_entropy, gradients, rate_at, set_mode, trainable


def displaced(model: nn.Module, slope: list[Tensor | None], alpha: float) -> nn.Module:
    """A copy of the model at θ' = θ − α · slope, buffers copied too."""
    other = copy.deepcopy(model)
    with torch.no_grad():
        for parameter, g in zip(trainable(other), slope, strict=True):
            if g is not None:
                parameter.copy_(parameter - alpha * g.detach())
    return other


def hessian_product(
    slope: list[Tensor | None], vector: list[Tensor | None], parameters: list[nn.Parameter]
) -> list[Tensor | None]:
    """∇²L_r v = ∇ Σ_i <∂L_r/∂θ_i, v_i>, with v constant."""
    inner = parameters[0].new_zeros(())
    for g, v in zip(slope, vector, strict=True):
        if g is not None and v is not None:
            inner = inner + (g * v.detach()).sum()
    return gradients(inner, parameters)


def run(
    exact: bool,
    model: nn.Module,
    batches: list[list[Any]],
    alpha: float,
    forget_loss: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    outer_moves_buffers: bool,
    balance: float,
    mode: str,
) -> nn.Module:
    """Both readings."""
    sign = {"random_label": 1.0, "neg_ce": -1.0}[forget_loss]
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, (x_f, y_f, x_r, y_r) in enumerate(steps):
            set_mode(model, mode)
            retain_loss = cross_entropy(model(x_r), y_r)
            slope = gradients(retain_loss, parameters, create_graph=exact)
            ahead = displaced(model, slope, alpha)
            v = gradients(sign * cross_entropy(ahead(x_f), y_f), trainable(ahead))
            g = combine((1.0, [None if s is None else s.detach() for s in slope]), (balance, v))
            if exact:
                g = combine((1.0, g), (-balance * alpha, hessian_product(slope, v, parameters)))
            if outer_moves_buffers:
                with torch.no_grad():
                    for mine, moved in zip(model.buffers(), ahead.buffers(), strict=True):
                        mine.copy_(moved)
            update.step(g, rate_at(learning_rates, epoch, index))
    return model


def reference_exact(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    alpha: float,
    forget_loss: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    outer_moves_buffers: bool,
    balance: float = 1.0,
    mode: str = "train",
) -> nn.Module:
    """With the Hessian term; the model is changed in place and returned."""
    settings = (alpha, forget_loss, optimizer, learning_rates, outer_moves_buffers, balance, mode)
    return run(True, model, batches, *settings)


def reference_first_order(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    alpha: float,
    forget_loss: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    outer_moves_buffers: bool,
    balance: float = 1.0,
    mode: str = "train",
) -> nn.Module:
    """Without it; the model is changed in place and returned."""
    settings = (alpha, forget_loss, optimizer, learning_rates, outer_moves_buffers, balance, mode)
    return run(False, model, batches, *settings)
