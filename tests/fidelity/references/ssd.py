"""Selective synaptic dampening. Foster et al. 2024.

In this order:
 1. Evaluation mode for every forward: BatchNorm uses and keeps its running statistics.
 2. F_D: over the batches of the FULL set (retain and forget together), the mean over BATCHES of the squared gradient of
    the batch-mean cross-entropy. F_f: the same over the batches of the forget set. Each batch counts once, a short last
    one as much as a full one. Both are computed before any weight changes.
 3. For every single weight: if F_f > α · F_D (strictly), multiply it by min(λ · F_D / F_f, 1).
All trainable tensors take part, BatchNorm's included. There is no gradient step, no buffers are touched, and the mode
the model came in is put back.

`data`: {"full": [(inputs, labels), …], "forget": [(inputs, labels), …]}: the batches themselves.
`alpha`: selection weighting; `lambda_`: dampening constant.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ._losses import cross_entropy
from ._modes import evaluating
from ._samples import Batch
from ._weights import Tensors, gradients, trainable, zeros_like


def importances(model: nn.Module, batches: Sequence[Batch]) -> Tensors:
    """Return the mean over the batches of the squared batch-mean gradient, in evaluation mode."""
    parameters = trainable(model)
    total = zeros_like(parameters)
    with evaluating(model):
        for x, y in batches:
            for name, g in gradients(cross_entropy(model(x), y), parameters).items():
                total[name] += g * g
    return {name: t / len(batches) for name, t in total.items()}


def reference(
    model: nn.Module, data: dict[str, Sequence[Batch]], *, alpha: float = 10.0, lambda_: float = 1.0
) -> nn.Module:
    """Dampen, weight by weight; the model is changed in place and returned."""
    full, forget = importances(model, data["full"]), importances(model, data["forget"])
    with torch.no_grad():
        for name, p in trainable(model).items():
            f_full, f_forget = full[name].reshape(-1), forget[name].reshape(-1)
            weights = p.reshape(-1).clone()
            for i in range(weights.numel()):
                if float(f_forget[i]) > alpha * float(f_full[i]):
                    weights[i] *= min(lambda_ * float(f_full[i]) / float(f_forget[i]), 1.0)
            p.copy_(weights.reshape(p.shape))
    return model
