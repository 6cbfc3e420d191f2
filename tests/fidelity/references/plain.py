"""The arithmetic that the references share, spelled out: losses by loops over samples, gradients, modes.

Nothing here is fast. Losses are written from their definitions (log-sum-exp, sums over samples and
classes), so that no fused kernel is taken on trust. Only the layers of the model and automatic
differentiation are torch's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

# one rate for all steps, or one for each epoch, or one for each step of each epoch
Rates = float | Sequence[float] | Sequence[Sequence[float]]

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def log_softmax(logits: Tensor) -> Tensor:
    """z_ic − log Σ_c' exp(z_ic'), row by row; the largest logit is taken out of the sum first."""
    rows = []
    for row in logits:
        largest = row.max().detach()
        rows.append(row - largest - torch.log(torch.exp(row - largest).sum()))
    return torch.stack(rows)


def softmax(logits: Tensor) -> Tensor:
    """p_ic = exp(z_ic) / Σ_c' exp(z_ic')."""
    return torch.exp(log_softmax(logits))


def cross_entropies(logits: Tensor, labels: Tensor) -> Tensor:
    """The loss of every sample: −log p_{i, y_i}."""
    logs = log_softmax(logits)
    return torch.stack([-logs[i, int(label)] for i, label in enumerate(labels)])


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean over the batch of the sample losses."""
    each = cross_entropies(logits, labels)
    return each.sum() / len(each)


def kl_divergence(target: Tensor, log_model: Tensor) -> Tensor:
    """Σ_i Σ_c t_ic (log t_ic − log q_ic), a sum and not a mean; a term with t_ic = 0 is 0."""
    total = log_model.new_zeros(())
    for row, logs in zip(target, log_model, strict=True):
        for t, log_q in zip(row, logs, strict=True):
            if t > 0:
                total = total + t * (torch.log(t) - log_q)
    return total


def mean_loss(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]], mode: str) -> float:
    """Σ of all sample losses / number of samples (a short last batch weighs less)."""
    set_mode(model, mode)
    total, count = 0.0, 0
    with torch.no_grad():
        for x, y in batches:
            each = cross_entropies(model(x), y)
            total += float(each.sum())
            count += len(each)
    return total / count


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that a method may move, in the order of `model.parameters()`."""
    return [p for p in model.parameters() if p.requires_grad]


def gradients(loss: Tensor, parameters: Sequence[Tensor], **autograd: bool) -> list[Tensor | None]:
    """∂loss/∂θ for each parameter; None where the loss does not reach it (as after a backward pass)."""
    return list(torch.autograd.grad(loss, list(parameters), allow_unused=True, **autograd))


def combine(*terms: tuple[float, list[Tensor | None]]) -> list[Tensor | None]:
    """Σ_k w_k g_k, parameter by parameter; None only where all g_k are None."""
    result: list[Tensor | None] = []
    for i in range(len(terms[0][1])):
        total: Tensor | None = None
        for weight, grads in terms:
            part = grads[i]
            if part is not None:
                total = weight * part if total is None else total + weight * part
        result.append(total)
    return result


def set_mode(model: nn.Module, mode: str) -> None:
    """Sets "train" (all training), "eval" (all evaluation) or "bn_eval" (training, BatchNorm evaluation).

    In "eval" and "bn_eval" BatchNorm normalises with its running statistics and leaves them as they are.
    """
    if mode not in ("train", "eval", "bn_eval"):
        raise ValueError(mode)
    model.train(mode != "eval")
    if mode == "bn_eval":
        for module in model.modules():
            if isinstance(module, BATCH_NORMS):
                module.eval()


def rate_at(rates: Rates, epoch: int, step: int) -> float:
    """The learning rate of a step, with epochs and the steps in them counted from 0."""
    if isinstance(rates, int | float):
        return float(rates)
    of_epoch = rates[epoch]
    return float(of_epoch) if isinstance(of_epoch, int | float) else float(of_epoch[step])
