"""Selective synaptic dampening (SSD). METHODS 2.13, confirmed by 7.15.

Order of operations:
 1. eval mode for every forward (BatchNorm uses and keeps its running statistics).
 2. F_D: over the batches of the FULL set (retain and forget together), mean over BATCHES of the squared
    gradient of the batch-mean cross-entropy. F_f: the same over the batches of the forget set. Each batch
    counts once, a short last batch as much as a full one. Both are computed before any weight changes.
 3. For every single weight: if F_f > alpha * F_D (strict), multiply it by min(lambda * F_D / F_f, 1).
No gradient step, no buffers touched, the mode the model came in is put back.

``data``: {"full": [(inputs, labels), ...], "forget": [(inputs, labels), ...]}, the batches themselves.
``alpha``: selection weighting; ``lambda_``: dampening constant.

Left open by METHODS, arguments here: which tensors take part: all trainable ones, BatchNorm's included
(``names`` narrows them).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from .plain_parts import Batch, Tensors, cross_entropy, gradients, parameters_of


def importances(model: nn.Module, batches: Sequence[Batch], names: Sequence[str] | None = None) -> Tensors:
    """Mean over the batches of the squared batch-mean gradient, eval mode."""
    parameters = parameters_of(model, names)
    total = {name: torch.zeros_like(p) for name, p in parameters.items()}
    was_training = model.training
    model.eval()
    for x, y in batches:
        for name, g in gradients(cross_entropy(model(x), y), parameters).items():
            total[name] += g * g
    model.train(was_training)
    return {name: t / len(batches) for name, t in total.items()}


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Batch]],
    *,
    alpha: float = 10.0,
    lambda_: float = 1.0,
    names: Sequence[str] | None = None,
) -> nn.Module:
    """SSD, weight by weight."""
    full = importances(model, data["full"], names)
    forget = importances(model, data["forget"], names)
    with torch.no_grad():
        for name, p in parameters_of(model, names).items():
            f_full, f_forget = full[name].reshape(-1), forget[name].reshape(-1)
            weights = p.reshape(-1).clone()
            for i in range(weights.numel()):
                if float(f_forget[i]) > alpha * float(f_full[i]):
                    weights[i] *= min(lambda_ * float(f_full[i]) / float(f_forget[i]), 1.0)
            p.copy_(weights.reshape(p.shape))
    return model
