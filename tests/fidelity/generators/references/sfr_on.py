"""SFR-on on a noise predictor, written out; common.py says how networks and draws look."""

from __future__ import annotations

import math
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
    sample_losses,
    snapshot,
    sum_loss,
)


def sfr_on_fisher(
    net: torch.nn.Module,
    kept: Tensor,
    draws: Sequence[Draw],
    *,
    null: int,
    guidance: float,
    clip_norm: float | None,
) -> Named:
    """Return the mean over batches of (clipped gradient of the batch's guided sum loss)^2. [spec 1.2]

    The square is of the batch gradient, not per sample. Evaluation mode: [methods 1.2] and [SFR]; section 1.2
    of the specification does not say it for DDPM.
    """
    model = own_copy(net, training=False)
    params = named(model)
    total = {name: torch.zeros_like(p) for name, p in params.items()}
    for draw in draws:
        grads = gradients(guided_sum_loss(model, draw, kept, null, guidance), params)
        grads = clip(grads, clip_norm)  # clip, then square [spec 1.2]
        total = {name: total[name] + grads[name].detach() ** 2 / len(draws) for name in total}
    return {name: f.detach() for name, f in total.items()}


def sfr_on_mask(forget_fisher: Named, remain_fisher: Named, gamma: float) -> Named:
    """Return 1 where (F_f + 1e-15) / (F_r + 1e-15) >= gamma, else 0; both 0 gives ratio 1. [spec 1.2]"""
    return {
        name: ((forget_fisher[name] + 1e-15) / (remain_fisher[name] + 1e-15) >= gamma).double()
        for name in forget_fisher
    }


def decay(schedule: str, t: int, total: int) -> float:
    """Return c_t, t = 0 .. total-1: "cosine" (1 + cos(pi t / T)) / 2 ([SFR]) or "linear" 1 - t / T ([S1]).

    With T = 1 or T = 2 the two are the same.
    """
    if schedule == "cosine":
        return (1.0 + math.cos(math.pi * t / total)) / 2.0
    if schedule == "linear":
        return 1.0 - t / total
    raise ValueError(f"unknown schedule {schedule!r}")


def sfr_on(
    net: torch.nn.Module,
    kept: Tensor,
    forget_mask_draws: Sequence[Draw],
    remain_mask_draws: Sequence[Draw],
    steps: Sequence[tuple[Draw, Draw]],
    *,
    null: int,
    guidance: float,
    gamma: float,
    adaptivity: float,
    forget_weight: float,
    schedule: str,
    lr: float,
    clip_norm: float | None,
    adaptive: bool = True,
    masked: bool = True,
) -> Named:
    """Run SFR-on and return all named weights after the last step.  [spec 1.2]

    A step is (forget draw, remain draw): one masked weighted ascent update, then one plain remain update with
    the same Adam state. The slow weights are the fast ones (outer step 1, one inner step): the defaults of
    [spec 1.2]. Masked-out weights do move: in the remain updates, and in the ascent updates by the moments
    that those left behind. `adaptive=False` puts w_i = 1 (plain ascent, still with a_t); `masked=False` puts
    a mask of ones.
    """
    if masked:
        common = {"null": null, "guidance": guidance, "clip_norm": clip_norm}
        f_forget = sfr_on_fisher(net, kept, forget_mask_draws, **common)
        f_remain = sfr_on_fisher(net, kept, remain_mask_draws, **common)
        mask = sfr_on_mask(f_forget, f_remain, gamma)
    else:
        mask = {name: torch.ones_like(p, dtype=torch.float64) for name, p in net.named_parameters()}
    model = own_copy(net, training=True)
    params = named(model)
    adam = Adam(params, lr)
    for t, (forget, remain) in enumerate(steps):
        # (a) weighted ascent on the forget batch
        losses = sample_losses(model, forget, kept)
        weights = losses.detach() ** (-adaptivity) if adaptive else torch.ones_like(losses)
        weights = weights / weights.mean()  # over the batch, not over all of D_f as on the slide [spec 1.2]
        a_t = forget_weight * decay(schedule, t, len(steps))
        grads = gradients(-a_t * (weights * losses).mean(), params)
        # First mask, then clip by the norm of what is left: [spec 1.2] "grad*mask, clip 1.0, Adam step".
        grads = masked_gradients(grads, mask)
        grads = clip(grads, clip_norm)
        adam.step(grads)
        # (b) one remain step: weight 1, no mask, same Adam [spec 1.2]
        grads = gradients(sum_loss(model, remain, kept), params)
        grads = clip(grads, clip_norm)
        adam.step(grads)
    return snapshot(params)
