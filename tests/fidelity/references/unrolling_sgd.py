"""Unrolling SGD, single-step unlearning. METHODS 2.8.

Order of operations (``reference``):
 1. Gradient of the cross-entropy of the forget data, every batch at the SAME weights (the final ones, or
    those of ``gradient_at``), on a deep copy, so no buffer of the model moves.
 2. w += epochs * learning_rate * gradient, over all trainable parameters.

``data``: {"forget": [(inputs, labels), ...]}, the batches.
``epochs``: E, epochs of the fine-tuning being undone; ``learning_rate``: its eta.

Left open by METHODS, arguments here:
 - ``combine``: "sum_of_means" adds the mean-loss gradients of the batches (what E epochs of SGD over those
   batches applied to first order); "first_batch" takes the mean loss of the first batch only (the released
   code); "mean" the mean over all forget samples; "sum" the sum over all forget samples.
 - ``train_mode``: BatchNorm mode of the gradient forwards; eval unless asked.
 - ``gradient_at``: a model with the initial weights for the "initial weights" reading; None means the final
   ones.

``regularised_loss``: the training-time loss CE + regulariser * (mean std of the logits). Open: unbiased
standard deviation over the classes (``unbiased``), averaged over the samples (``divide_by="samples"``;
"entries" divides the sum of the standard deviations by samples times classes).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, add_to, cross_entropy, cross_entropy_sum, gradients, parameters_of


def regularised_loss(
    logits: Tensor, labels: Tensor, regulariser: float, *, unbiased: bool = True, divide_by: str = "samples"
) -> Tensor:
    """CE plus ``regulariser`` times the mean over the samples of the standard deviation of their logits."""
    total = logits.new_zeros(())
    classes = logits.shape[1]
    for row in logits:
        squares = ((row - row.sum() / classes) ** 2).sum()
        total = total + (squares / (classes - 1 if unbiased else classes)).sqrt()
    divisor = {"samples": len(logits), "entries": logits.numel()}[divide_by]
    return cross_entropy(logits, labels) + regulariser * total / divisor


def reference(
    model: nn.Module,
    data: dict[str, Sequence[Batch]],
    *,
    epochs: float,
    learning_rate: float,
    combine: str = "sum_of_means",
    train_mode: bool = False,
    gradient_at: nn.Module | None = None,
    names: Sequence[str] | None = None,
) -> nn.Module:
    """w + E * eta * (gradient of the forget loss)."""
    source = copy.deepcopy(model if gradient_at is None else gradient_at)
    source.train(train_mode)
    parameters = parameters_of(source, names)
    total = {name: torch.zeros_like(p) for name, p in parameters.items()}
    batches = list(data["forget"][:1]) if combine == "first_batch" else list(data["forget"])
    for x, y in batches:
        loss = cross_entropy_sum if combine in ("mean", "sum") else cross_entropy
        for name, g in gradients(loss(source(x), y), parameters).items():
            total[name] += g
    if combine == "mean":
        samples = sum(len(y) for _, y in batches)
        total = {name: t / samples for name, t in total.items()}
    add_to(parameters_of(model, names), total, epochs * learning_rate)
    return model
