"""LUR, learning to unlearn while retaining. Patel & Qiu 2025: the two-step formulation and its gradient analysis.

    θ' = θ − α ∇L_r(θ);   minimise L_r(θ) + λ L_f(θ')
    exact:        g = ∇L_r(θ) + λ (I − α ∇²L_r(θ)) ∇L_f(θ')
    first order:  g = ∇L_r(θ) + λ ∇L_f(θ')

A step is (x_f, y_f, x_r, y_r). With forget_loss = "random_label" y_f are the drawn labels, with "neg_ce" the true ones.

In a step, in this order: mode; retain forward at θ, L_r = CE; its gradient; θ' in a COPY of the model (all trainable
parameters move, without weight decay or momentum); forget forward there, L_f = CE or −CE; its gradient v; for the exact
reading the product ∇²L_r(θ) v = ∇<∇L_r(θ), v>, v constant; one update of θ along g.
BatchNorm in "train": L_r and θ' see the statistics of the retain batch, L_f those of the forget batch. The retain
forward moves the running statistics once, the forget forward once more if `outer_moves_buffers` (the copy's buffers are
taken over), else not at all. Batch statistics are functions of θ, so the Hessian goes through them.

Settings
  exact                whether the Hessian's term is there
  alpha                α of the inner step
  forget_loss          "random_label" or "neg_ce"
  balance              λ; 1 in the final objective
  outer_moves_buffers  see above
  optimizer            see _optimizers.py;   learning_rates: η
  mode                 "train", "eval" or "bn_eval"

The slides do not say L_f, α, η, the epochs, which order the experiments are of, nor whether the forward at θ' moves the
running statistics: all are arguments.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import nn

from ._losses import cross_entropy
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, steps_with_rates
from ._weights import Tensors, combine, gradients, trainable

SIGNS = {"random_label": 1.0, "neg_ce": -1.0}


def displaced(model: nn.Module, slope: Tensors, alpha: float) -> nn.Module:
    """Return a copy of the model at θ' = θ − α · slope, buffers copied too."""
    ahead = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in trainable(ahead).items():
            if name in slope:
                parameter.copy_(parameter - alpha * slope[name].detach())
    return ahead


def hessian_product(slope: Tensors, vector: Tensors, parameters: Tensors) -> Tensors:
    """Return ∇²L_r v = ∇ Σ_i <∂L_r/∂θ_i, v_i>, with v constant."""
    inner = sum((slope[name] * vector[name].detach()).sum() for name in slope if name in vector)
    return gradients(inner, parameters)


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    exact: bool,
    alpha: float,
    forget_loss: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    outer_moves_buffers: bool,
    balance: float = 1.0,
    mode: str = "train",
) -> nn.Module:
    """Take each step as seen from one retain step ahead; the model is changed in place and returned."""
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for (x_f, y_f, x_r, y_r), rate in steps_with_rates(epochs, learning_rates):
        set_mode(model, mode)
        slope = gradients(cross_entropy(model(x_r), y_r), parameters, create_graph=exact)
        ahead = displaced(model, slope, alpha)
        v = gradients(SIGNS[forget_loss] * cross_entropy(ahead(x_f), y_f), trainable(ahead))
        g = combine((1.0, {name: s.detach() for name, s in slope.items()}), (balance, v))
        if exact:
            g = combine((1.0, g), (-balance * alpha, hessian_product(slope, v, parameters)))
        if outer_moves_buffers:
            with torch.no_grad():
                for buffer, moved in zip(model.buffers(), ahead.buffers(), strict=True):
                    buffer.copy_(moved)
        update.step(g, rate)
    return model
