"""The diagonal of the Fisher information: squared gradients of single samples, computed for whole batches.

    all labels   F = (1/N) Σ_i Σ_y p_y(x_i) (∂ −log p_y(x_i) / ∂θ)²
    true label   F = (1/N) Σ_i (∂ log p_{y_i}(x_i) / ∂θ + ε)²                                      (empirical)

Unlike in fisher.py, the square is taken before any mean over samples: the batch size changes only the speed. Because
∂ −log p_y/∂z = p − e_y, both are sums of (Jᵀ c)² over cotangents c, one per backward pass: e_{y_i} − p, or all c with

    Σ c cᵀ = Σ_y p_y (p − e_y)(p − e_y)ᵀ = diag(p) − p pᵀ

a matrix of rank K − 1: the columns of its triangular factor (Tanabe and Sagae 1992) are a backward pass fewer.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from reunlearn.data.batches import Batch
from reunlearn.gradients.per_sample import Cotangents, Outputs, per_sample_gradients
from reunlearn.gradients.squares import summed_squares


def all_labels(z_BK: Tensor) -> Tensor:
    """Return c [B, K − 1, K] with Σ c cᵀ = diag(p) − p pᵀ.

    With q_j = Σ_{k ≥ j} p_k:   c_jj = √(p_j q_{j+1} / q_j),   c_ji = −p_i √(p_j / (q_j q_{j+1})) for i > j,   else 0
    """
    p_BK = z_BK.softmax(dim=1)
    tails_BK = p_BK @ p_BK.new_ones(p_BK.shape[1], p_BK.shape[1]).tril()
    least = torch.finfo(p_BK.dtype).tiny  # where nothing is left, nothing is divided by 0
    share_BJ = (p_BK[:, :-1] / tails_BK[:, :-1].clamp(min=least)).sqrt()
    root_BJ = tails_BK[:, 1:].clamp(min=least).sqrt()
    c_BJK = -share_BJ[:, :, None] * (p_BK[:, None, :] / root_BJ[:, :, None]).triu(1)
    c_BJK.diagonal(dim1=1, dim2=2).copy_(share_BJ * root_BJ)
    return c_BJK


def label_fisher(model: nn.Module, outputs: Outputs, batches: Iterable[Batch]) -> list[Tensor]:
    """Return F over all labels, one tensor per trainable parameter.

    Args:
        model: in evaluation mode; left as it is.
        outputs: logits [B, K] of a batch.
        batches: all N samples; the memory needed grows with the batch size.
    """
    return _mean_of_squares(model, outputs, batches, all_labels, 0.0)


def empirical_fisher(
    model: nn.Module, outputs: Outputs, batches: Iterable[Batch], shift: float = 0.0
) -> list[Tensor]:
    """Return F of the given labels, one tensor per trainable parameter; see `label_fisher`.

    Args:
        shift: ε, added before squaring.
    """

    def score(model: nn.Module, batch: Batch) -> Tensor:
        log_p_BK = outputs(model, batch).log_softmax(dim=1)
        return log_p_BK.gather(1, batch.y[:, None])

    return _mean_of_squares(model, score, batches, single_output, shift)


def single_output(z_B1: Tensor) -> Tensor:
    """Return the cotangent 1 of a network with one output, [B, 1, 1]."""
    return torch.ones_like(z_B1)[:, :, None]


def _mean_of_squares(
    model: nn.Module, outputs: Outputs, batches: Iterable[Batch], cotangents: Cotangents, shift: float
) -> list[Tensor]:
    """Return (1/N) Σ_i Σ_c (Jᵀ_i c + shift)² over the cotangents c, one tensor per trainable parameter."""
    total = {n: torch.zeros_like(p) for n, p in model.named_parameters() if p.requires_grad}
    count = 0
    for batch in batches:
        if shift:
            for name, _, _, gradient in per_sample_gradients(model, outputs, batch, cotangents):
                total[name] += (gradient + shift).square().sum(dim=(0, 1))
        else:
            for name, squares in summed_squares(model, outputs, batch, cotangents):
                total[name] += squares
        count += len(batch)
    if not count:
        raise ValueError("the Fisher information needs at least one sample")
    return [value / count for value in total.values()]
