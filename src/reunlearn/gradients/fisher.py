"""The diagonal that SFR-on and SSD call Fisher: the mean over batches of squared batch-mean gradients.

It is not the Fisher information: the mean over a batch is taken before the square, so the value depends on the
batch size. Two of them can be compared only if both were computed with the same batch size.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from reunlearn.gradients.flat import clipped, gradients


def squared_gradients(
    losses: Iterable[Tensor], parameters: Sequence[Tensor], clip: float = 0.0
) -> list[Tensor]:
    """Return (1/B) Σ_b (∂ℓ_b/∂θ)², shaped as the parameters.

    Args:
        losses: the mean loss of each batch; read one at a time, so that only one graph is in memory.
        parameters: what the losses are differentiated by.
        clip: largest norm of a batch's gradient; 0 does not clip.

    Raises:
        ValueError: there is no loss.
    """
    total = [torch.zeros_like(p) for p in parameters]
    count = 0
    for loss in losses:
        for accumulated, gradient in zip(total, clipped(gradients(loss, parameters), clip), strict=True):
            accumulated.addcmul_(gradient, gradient)
        count += 1
    if not count:
        raise ValueError("squared gradients need at least one batch")
    return [accumulated / count for accumulated in total]


def mean_label_fisher(logits: Iterable[Tensor], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Return (1/B) Σ_b Σ_y p̄_by (∂ mean_i −log p_y(x_i) / ∂θ)², p̄ the batch's mean probabilities.

    It covers all labels instead of the true one, but still takes the mean over a batch before the square;
    gradients/label_fisher.py computes the Fisher information itself.

    Args:
        logits: z [m, K] of each batch; read one at a time, so that only one graph is in memory.
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
            label_gradients = gradients(-log_p_BK[:, y].mean(), parameters, retain_graph=True)
            for accumulated, gradient in zip(total, label_gradients, strict=True):
                accumulated += share_K[y] * gradient**2
        count += 1
    if not count:
        raise ValueError("squared gradients need at least one batch")
    return [accumulated / count for accumulated in total]
