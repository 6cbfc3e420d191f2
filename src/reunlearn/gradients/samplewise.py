"""The gradient of every sample within its batch, from one backward pass that is vectorised over the samples.

It also serves networks that normalise by batch statistics. Where samples do not mix, per_sample.py is faster and needs
less memory.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def sample_gradients(losses_B: Tensor, parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return ∂ℓ_i/∂θ for each sample, one tensor [B, *shape] per parameter; zeros where a loss does not depend on it.

    Normalisation by batch statistics is part of the graph: the rows are then the derivatives of each loss within
    its batch, and their mean is the gradient of the mean loss. Memory: B times that of the parameters.

    Args:
        losses_B: the loss of each sample.
        parameters: tensors of their graph.
    """
    each_BB = torch.eye(len(losses_B), dtype=losses_B.dtype, device=losses_B.device)
    rows = torch.autograd.grad(
        losses_B, list(parameters), each_BB, retain_graph=True, is_grads_batched=True, allow_unused=True
    )
    # for unused parameters torch itself would give zeros without the first dimension
    pairs = zip(rows, parameters, strict=True)
    return [p.new_zeros((len(losses_B), *p.shape)) if g is None else g for g, p in pairs]
