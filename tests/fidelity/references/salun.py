"""SalUn (METHODS 2.11, corrections 12 in section 7): random labels (2.6) under a weight mask.

Mask, at θ0 and before any step: s = |Σ over batches of ∇(−CE)| on Df, a SUM of batch-mean gradients (a
short last batch weighs each image more), model in evaluation mode (running statistics do not move). The
k = int(fraction · number of weights) weights with the largest s, ranked over all tensors together
(BatchNorm's too), may move: m = 1 there, else 0. Among equal s the earlier weight wins.

Steps: those of random_labels.py: ("forget", x, y, drawn), ("retain", x, y) or
("joined", x, y, is_forget, drawn). In the mask's batches: (x, y) of Df.

Order of operations in a step: labels put in; mode; forward; CE; gradient; gradient × m (forget AND retain
steps); one optimizer update; with hold = "exact" the masked-out weights and their optimizer buffers are
put back to what they were before the update.
BatchNorm: mask in "eval"; steps in `mode`. Running statistics are never masked.

Settings
  mask_batches    list of (x, y): one pass over Df, in order
  fraction        share of all weights that may move (`th`; .5 is the usual)
  hold            "gradient_only": the mask multiplies gradients only, so weight decay and momentum do move
                  masked weights (SFR-on; older Unlearn-Saliency) | "exact": they stay (newest commit)
  optimizer, learning_rates, wrong_only, mode: as in random_labels.py

Left open in METHODS: rounding of k (here int), ties (here the earlier weight in parameter order), what
"restores momentum" means for Adam's moments (here both are put back).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import optimizers
from .plain import Rates, cross_entropy, gradients, rate_at, set_mode, trainable
from .random_labels import batch_of, check_order


def saliency_mask(model: nn.Module, mask_batches: list[Any], fraction: float) -> list[Tensor]:
    """One tensor of 0 and 1 for each trainable parameter."""
    parameters = trainable(model)
    set_mode(model, "eval")
    sums = [torch.zeros_like(p) for p in parameters]
    for x, y in mask_batches:
        for i, gradient in enumerate(gradients(-cross_entropy(model(x), y), parameters)):
            if gradient is not None:
                sums[i] = sums[i] + gradient
    scores = [(float(value.abs()), i) for i, value in enumerate(torch.cat([s.flatten() for s in sums]))]
    scores.sort(key=lambda pair: (-pair[0], pair[1]))
    flat = torch.zeros(len(scores), dtype=parameters[0].dtype)
    for _, i in scores[: int(fraction * len(scores))]:
        flat[i] = 1.0
    mask, start = [], 0
    for parameter in parameters:
        mask.append(flat[start : start + parameter.numel()].reshape(parameter.shape))
        start += parameter.numel()
    return mask


def reference(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    mask_batches: list[Any],
    fraction: float,
    hold: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    wrong_only: bool,
    mode: str = "train",
) -> nn.Module:
    """Random labels on the salient weights; the model is changed in place and returned."""
    if hold not in ("gradient_only", "exact"):
        raise ValueError(hold)
    check_order(batches)
    mask = saliency_mask(model, mask_batches, fraction)
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    for epoch, steps in enumerate(batches):
        for index, step in enumerate(steps):
            x, labels = batch_of(step, wrong_only)
            set_mode(model, mode)
            grads = gradients(cross_entropy(model(x), labels), parameters)
            masked = [None if g is None else g * m for g, m in zip(grads, mask, strict=True)]
            weights = [p.detach().clone() for p in parameters]
            buffers = {name: [b.clone() for b in kept] for name, kept in update.state.items()}
            update.step(masked, rate_at(learning_rates, epoch, index))
            if hold == "exact":
                for i, m in enumerate(mask):
                    with torch.no_grad():
                        parameters[i].copy_(torch.where(m == 0, weights[i], parameters[i]))
                    for name, kept in update.state.items():
                        kept[i] = torch.where(m == 0, buffers[name][i], kept[i])
    return model
