"""SalUn on a noise predictor, written out; common.py says how networks and draws look."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tests.fidelity.generators.references.common import (
    Adam,
    Draw,
    Named,
    clip,
    gradients,
    guided_sum_loss,
    masked_gradients,
    named,
    own_copy,
    pseudo_label_loss,
    snapshot,
    sum_loss,
)


def salun_scores(
    net: torch.nn.Module,
    kept: Tensor,
    mask_draws: Sequence[Draw],
    *,
    null: int,
    guidance: float,
    clip_norm: float | None,
) -> Named:
    """Return |SUM over forget batches of the clipped gradient of the guided sum loss|. [spec 1.2]

    The model is in evaluation mode [spec 1.2]. The absolute value is taken once, after the sum, so batches
    of opposite sign cancel. No weight moves between batches.
    """
    model = own_copy(net, training=False)
    params = named(model)
    total = {name: torch.zeros_like(p) for name, p in params.items()}
    for draw in mask_draws:
        grads = gradients(guided_sum_loss(model, draw, kept, null, guidance), params)
        grads = clip(grads, clip_norm)  # each batch is clipped by itself, before the sum [spec 1.2]
        total = {name: total[name] + grads[name] for name in total}
    return {name: s.detach().abs() for name, s in total.items()}


def top_fraction(scores: Named, fraction: float) -> Named:
    """Return the 0/1 mask of the int(fraction * N) largest scores over ALL weights together.

    (chosen) The count is rounded down, as in [SalUn], [SFR]; of equal scores the one that comes first in the
    network's parameter order is taken. Equal scores matter only where `fraction` reaches the weights with
    score exactly 0.
    """
    flat = torch.cat([s.flatten() for s in scores.values()])
    order = torch.sort(flat, descending=True, stable=True).indices
    chosen = torch.zeros_like(flat)
    chosen[order[: int(fraction * flat.numel())]] = 1.0
    mask: Named = {}
    start = 0
    for name, s in scores.items():
        mask[name] = chosen[start : start + s.numel()].reshape(s.shape)
        start += s.numel()
    return mask


def salun(
    net: torch.nn.Module,
    kept: Tensor,
    mask_draws: Sequence[Draw],
    steps: Sequence[tuple[Draw, Tensor, Draw]],
    *,
    null: int,
    guidance: float,
    fraction: float,
    alpha: float,
    lr: float,
    clip_norm: float | None,
) -> Named:
    """Run SalUn and return all named weights after the last step.  [spec 1.2]

    A step is (forget draw, pseudo labels, remain draw). The labels y and the pseudo labels are used as they
    come, so label dropping of either is the caller's ([SalUn]: both calls in training mode drop labels,
    independently of each other). One Adam for the run, on all weights; with weight decay 0 a masked-out
    weight keeps its value exactly.
    """
    scores = salun_scores(net, kept, mask_draws, null=null, guidance=guidance, clip_norm=clip_norm)
    mask = top_fraction(scores, fraction)
    model = own_copy(net, training=True)
    params = named(model)
    adam = Adam(params, lr)
    for forget, pseudo, remain in steps:
        loss = pseudo_label_loss(model, forget, pseudo, kept) + alpha * sum_loss(model, remain, kept)
        grads = gradients(loss, params)
        # First clip, over ALL weights, then mask: [spec 1.2] "clip 1.0, THEN multiply the gradient ...".
        grads = clip(grads, clip_norm)
        grads = masked_gradients(grads, mask)
        adam.step(grads)
    return snapshot(params)
