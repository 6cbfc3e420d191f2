"""Selective amnesia, written out; common.py says how networks and draws look."""

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
    named,
    own_copy,
    sample_losses,
    snapshot,
    sum_loss,
)


def selective_amnesia_fisher(
    net: torch.nn.Module,
    kept: Tensor,
    samples: Sequence[tuple[Tensor, int | Tensor, Tensor]],
    *,
    chunks: int,
) -> Named:
    """Return the mean over samples of (gradient of the loss summed over ALL timesteps)^2.  [spec 1.2]

    A sample is (x0 [C,H,W], y, noise [T,C,H,W]). Its gradients ADD over all T timesteps and are squared once,
    at the end; `chunks` only says in how many pieces that sum is made. Per timestep the loss is the sum type,
    the prediction is the plain one (no guidance), and the model is in evaluation mode ([SA]; the
    specification does not say the mode).
    """
    model = own_copy(net, training=False)
    params = named(model)
    total = {name: torch.zeros_like(p) for name, p in params.items()}
    for x0, y, noise in samples:
        inside = {name: torch.zeros_like(p) for name, p in params.items()}
        for t in torch.arange(len(kept)).chunk(chunks):
            draw = (x0.expand(len(t), *x0.shape), noise[t], t, torch.full((len(t),), int(y)))
            grads = gradients(sample_losses(model, draw, kept).sum(), params)  # a sum over timesteps, no mean
            inside = {name: inside[name] + grads[name] for name in inside}
        total = {name: total[name] + inside[name] ** 2 / len(samples) for name in total}
    return {name: f.detach() for name, f in total.items()}


def selective_amnesia(
    net: torch.nn.Module,
    kept: Tensor,
    fisher: Named,
    steps: Sequence[tuple[Draw, Draw]],
    *,
    gamma: float,
    lam: float,
    lr: float,
    clip_norm: float | None,
    half: bool = False,
) -> Named:
    """Run Selective Amnesia and return all named weights after the last step.  [spec 1.2]

    Loss of a step = sum_loss(surrogate) + gamma sum_loss(replay) + lam SUM F (theta - theta0)^2, theta0 =
    weights at the start. There is NO factor 1/2 before lam: [spec 1.2] writes none and the three repositories
    ([SA], [SalUn], [SFR]) have none. `half=True` gives the textbook form of elastic weight consolidation,
    (lam / 2) SUM F (theta - theta0)^2, the same as lam / 2. No label drop in either loss [spec 1.2]: the
    caller gives the plain labels.
    """
    model = own_copy(net, training=True)
    params = named(model)
    start = snapshot(params)
    adam = Adam(params, lr)
    factor = lam / 2.0 if half else lam
    for surrogate, replay in steps:
        penalty = sum((fisher[name].double() * (p - start[name]) ** 2).sum() for name, p in params.items())
        loss = sum_loss(model, surrogate, kept) + gamma * sum_loss(model, replay, kept) + factor * penalty
        grads = gradients(loss, params)
        grads = clip(grads, clip_norm)  # one loss, one clip: the penalty is in it [spec 1.2], [SA]
        adam.step(grads)
    return snapshot(params)
