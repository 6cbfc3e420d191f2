"""The diagonal that SFR-on and SSD call Fisher: the mean over batches of squared batch-mean gradients.

It is not the Fisher information: the mean over a batch is taken before the square, so the value depends on the
batch size. Whoever compares two of them computes both with one batch size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from reunlearn.gradients.flat import gradients


def squared_gradients(losses: Iterable[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return (1/B) Σ_b (∂ℓ_b/∂θ)², shaped as the parameters.

    Args:
        losses: the mean loss of each batch; drawn one at a time, so that one graph lives at once.
        parameters: what the losses are differentiated by.

    Raises:
        ValueError: there is no loss.
    """
    total = [torch.zeros_like(p) for p in parameters]
    count = 0
    for loss in losses:
        for accumulated, gradient in zip(total, gradients(loss, parameters), strict=True):
            accumulated.addcmul_(gradient, gradient)
        count += 1
    if not count:
        raise ValueError("squared gradients need at least one batch")
    return [accumulated / count for accumulated in total]


def mean_label_fisher(logits: Iterable[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return (1/B) Σ_b Σ_y p̄_by (∂ mean_i −log p_y(x_i) / ∂θ)², p̄ the batch's mean probabilities.

    All labels instead of the true one, but again of batch means; gradients/label_fisher.py is the real thing.

    Args:
        logits: z [m, K] of each batch; drawn one at a time, so that one graph lives at once.
        parameters: what the logits are differentiated by.

    Raises:
        ValueError: there is no batch.
    """
    total = [torch.zeros_like(p) for p in parameters]
    count = 0
    for z_BK in logits:
        log_p_BK = z_BK.log_softmax(dim=1)
        share_K = log_p_BK.detach().exp().mean(dim=0)
        for y in range(z_BK.shape[1]):
            found = gradients(-log_p_BK[:, y].mean(), parameters, retain_graph=True)
            for accumulated, gradient in zip(total, found, strict=True):
                accumulated += share_K[y] * gradient**2
        count += 1
    if not count:
        raise ValueError("squared gradients need at least one batch")
    return [accumulated / count for accumulated in total]
