"""SalUn: random labels under a mask of weights. Fan et al. 2024.

Mask, at θ0 and before any step: s = |Σ over batches of ∇(−CE)| on forget. This is a SUM of batch-mean gradients, so
that a short last batch weighs each image more. The model is in evaluation mode; running statistics do not move. The
k = int(fraction · number of weights) weights with the largest s, ranked over all tensors together (BatchNorm's too),
may move: m = 1 there, else 0. Among equal s the earlier weight wins.

Steps: those of _relabelled.py. The mask's batches: (x, y) of forget.

In a step, in this order: labels put in; training mode; forward; CE; gradient; gradient × m in forget AND retain steps;
one update of the optimizer; with hold = "exact" the masked weights and their buffers in the optimizer are put back to
what they were before the update. Running statistics are never masked.

Settings
  mask_batches    list of (x, y): one pass over forget, in order
  fraction        share of all weights that may move; 0.5 is the usual one
  hold            "gradient_only": the mask multiplies gradients alone, so that weight decay and momentum do move
                  masked weights (SFR-on; older commits of Unlearn-Saliency); "exact": they stay (newest commit)
  optimizer, learning_rates, wrong_only: as in random_labels.py

The sources do not say how k is rounded, what happens to equal s, and what is put back of Adam's moments (here both).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from ._losses import cross_entropy
from ._modes import set_mode
from ._optimizers import SGD, Adam, Epochs, Rates, build, steps_with_rates
from ._relabelled import batch_of, check_order
from ._weights import Tensors, combine, flat, gradients, split_like, trainable, zeros_like


def saliency_mask(model: nn.Module, mask_batches: list[Any], fraction: float) -> Tensors:
    """Return one tensor of 0 and 1 for each trainable parameter."""
    parameters = trainable(model)
    set_mode(model, "eval")
    sums = zeros_like(parameters)
    for x, y in mask_batches:
        sums = combine((1.0, sums), (1.0, gradients(-cross_entropy(model(x), y), parameters)))
    scores = [(float(value.abs()), i) for i, value in enumerate(flat(sums))]
    scores.sort(key=lambda pair: (-pair[0], pair[1]))
    mask_P = torch.zeros(len(scores), dtype=torch.float64)
    for _, i in scores[: int(fraction * len(scores))]:
        mask_P[i] = 1.0
    return split_like(mask_P, parameters)


def put_back(update: SGD | Adam, mask: Tensors, weights: Tensors, buffers: dict[str, Tensors]) -> None:
    """Give the masked weights, and their buffers in the optimizer, these values again."""
    for name, m in mask.items():
        parameter = update.parameters[name]
        with torch.no_grad():
            parameter.copy_(torch.where(m == 0, weights[name], parameter))
        for kind, kept in update.state.items():
            kept[name] = torch.where(m == 0, buffers[kind][name], kept[name])


def reference(
    model: nn.Module,
    epochs: Epochs,
    *,
    mask_batches: list[Any],
    fraction: float,
    hold: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    wrong_only: bool,
) -> nn.Module:
    """Train the salient weights on random labels; the model is changed in place and returned."""
    if hold not in ("gradient_only", "exact"):
        raise ValueError(f"{hold} is neither gradient_only nor exact")
    check_order(epochs)
    mask = saliency_mask(model, mask_batches, fraction)
    parameters = trainable(model)
    update = build(parameters, optimizer)
    for step, rate in steps_with_rates(epochs, learning_rates):
        x, labels = batch_of(step, wrong_only)
        set_mode(model, "train")
        grads = gradients(cross_entropy(model(x), labels), parameters)
        weights = {name: p.detach().clone() for name, p in parameters.items()}
        buffers = {kind: {n: b.clone() for n, b in kept.items()} for kind, kept in update.state.items()}
        update.step({name: g * mask[name] for name, g in grads.items()}, rate)
        if hold == "exact":
            put_back(update, mask, weights, buffers)
    return model
