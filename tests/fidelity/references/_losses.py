"""Losses from their definitions, and what is measured with them.

Nothing here is fast. The log-sum-exp and the sums over samples are written out, so that no fused kernel is taken on
trust. Only the layers of the model and automatic differentiation are torch's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ._modes import evaluating, set_mode
from ._samples import Batch, batches_of


def log_softmax(logits: Tensor) -> Tensor:
    """Return z_c − log Σ_j exp(z_j) along the last dimension; the largest logit is taken out of the sum first."""
    shifted = logits - logits.detach().max(dim=-1, keepdim=True).values
    return shifted - torch.log(torch.exp(shifted).sum(dim=-1, keepdim=True))


def softmax(logits: Tensor) -> Tensor:
    """Return p_c = exp(z_c) / Σ_j exp(z_j) along the last dimension."""
    return torch.exp(log_softmax(logits))


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the loss of each sample [B]: −log p_y."""
    rows = zip(log_softmax(logits), labels.tolist(), strict=True)
    return torch.stack([-row[label] for row, label in rows])


def cross_entropy_sum(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the sum of the samples' losses."""
    return cross_entropies(logits, labels).sum()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the mean of the samples' losses."""
    return cross_entropy_sum(logits, labels) / len(labels)


def pair_losses(model: nn.Module, step: Sequence[Tensor], forward_order: str) -> tuple[Tensor, Tensor]:
    """Return the mean losses of a forget batch and of a retain batch.

    Each batch is forwarded by itself. The order decides only in which order BatchNorm's statistics see them.

    Args:
        model: the network, in the mode of the step.
        step: (x_f, y_f, x_r, y_r).
        forward_order: "forget_first" or "retain_first".
    """
    x_f, y_f, x_r, y_r = step
    if forward_order == "forget_first":
        forget_loss = cross_entropy(model(x_f), y_f)
        return forget_loss, cross_entropy(model(x_r), y_r)
    if forward_order == "retain_first":
        retain_loss = cross_entropy(model(x_r), y_r)
        return cross_entropy(model(x_f), y_f), retain_loss
    raise ValueError(f"{forward_order} is neither forget_first nor retain_first")


def kl_divergence(target: Tensor, log_model: Tensor) -> Tensor:
    """Return Σ_i Σ_c t_ic (log t_ic − log q_ic), a sum and not a mean; a term with t_ic = 0 is 0."""
    total = log_model.new_zeros(())
    for row, logs in zip(target, log_model, strict=True):
        for t, log_q in zip(row, logs, strict=True):
            if t > 0:
                total = total + t * (torch.log(t) - log_q)
    return total


def mean_loss(model: nn.Module, batches: Iterable[Batch], mode: str) -> float:
    """Return the mean loss over all samples of the batches; the model stays in `mode`."""
    set_mode(model, mode)
    total, count = 0.0, 0
    with torch.no_grad():
        for x, y in batches:
            total += float(cross_entropy_sum(model(x), y))
            count += len(y)
    return total / count


def accuracy(model: nn.Module, samples: Batch, batch_size: int = 64) -> float:
    """Return the share of right predictions in evaluation mode; the modes are put back afterwards."""
    right = 0
    with evaluating(model), torch.no_grad():
        for x, y in batches_of(samples, batch_size):
            right += int((model(x).argmax(dim=1) == y).sum())
    return right / len(samples[1])
