"""LUR on a noise predictor, written out; common.py says how networks and draws look."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from tests.fidelity.generators.references.common import (
    Adam,
    Draw,
    Named,
    clip,
    gradients,
    mean_loss,
    named,
    noisy,
    own_copy,
    snapshot,
    sum_loss,
)


def lur_gradient(
    model: torch.nn.Module,
    kept: Tensor,
    forget: Draw,
    pseudo: Tensor,
    remain: Draw,
    *,
    alpha: float,
    order: str,
    remain_weight: float = 1.0,
    target_at: str = "ahead",
    remain_loss: str = "mean",
) -> Named:
    """Return g = w grad L_r(theta) + (I - alpha H_r) grad L_f(theta'). [S4], [spec 3]

    Here theta' = theta - alpha grad L_r(theta) and H_r is the Hessian of L_r at theta; order "first" drops
    it: g = w grad L_r(theta) + grad L_f(theta'). The weight w stands before the first term only: neither
    theta' nor the Hessian term has it. Meaning of the switches: see `lur`.
    """
    params = named(model)
    loss_r = {"mean": mean_loss, "sum": sum_loss}[remain_loss](model, remain, kept)
    grad_r = gradients(loss_r, params, create_graph=order == "second")

    # theta': plain numbers, cut off from theta. The chain through theta' is put back by hand below.
    ahead = {name: (p - alpha * grad_r[name]).detach().requires_grad_(True) for name, p in params.items()}
    x0, noise, t, y = forget
    x_t = noisy(x0, noise, t, kept)
    with torch.no_grad():  # stopgrad, as in SalUn's forget loss [spec 1.2]
        if target_at == "ahead":
            target = functional_call(model, ahead, (x_t, t, pseudo))
        elif target_at == "here":
            target = model(x_t, t, pseudo)
        else:
            raise ValueError(f"unknown target_at {target_at!r}")
    loss_f = ((functional_call(model, ahead, (x_t, t, y)) - target) ** 2).mean()
    grad_f = gradients(loss_f, ahead)

    if order == "first":
        return {name: remain_weight * grad_r[name].detach() + grad_f[name] for name in params}
    if order != "second":
        raise ValueError(f"unknown order {order!r}")
    # H_r v with v = grad L_f(theta') held fixed: the gradient of <grad L_r(theta), v> (double backward).
    product = sum((grad_r[name] * grad_f[name].detach()).sum() for name in params)
    hessian_v = gradients(product, params)
    return {
        name: remain_weight * grad_r[name].detach() + grad_f[name] - alpha * hessian_v[name]
        for name in params
    }


def lur(
    net: torch.nn.Module,
    kept: Tensor,
    steps: Sequence[tuple[Draw, Tensor, Draw]],
    *,
    alpha: float,
    order: str,
    lr: float,
    remain_weight: float = 1.0,
    target_at: str = "ahead",
    remain_loss: str = "mean",
    clip_norm: float | None = None,
) -> Named:
    """Run LUR and return all named weights after the last step.  [S4], [spec 3, 7]

    A step is (forget draw, pseudo labels, remain draw); `order` is "second" or "first". No mask; no clipping
    unless asked for. L_f is SalUn's forget loss ([spec 3], an inference there).

    `target_at` (chosen: "ahead"): the target eps(x_t, t, pseudo) of L_f is computed without gradient at
    theta' ("ahead") or at theta ("here"). No source says. "ahead" reads L_f(theta') literally: L_f takes its
    target from the network that it is given.

    `remain_loss` (chosen: "mean"): L_r is the mean or the sum type. No source says for DDPM; [spec 7] weighs
    the remain loss in mean units. With D = C H W, "sum" with alpha and w is exactly "mean" with alpha D and
    w D.

    Attention runs with torch's plain kernel, because the fast CPU one has no second derivative [spec 5].
    """
    model = own_copy(net, training=True)
    params = named(model)
    adam = Adam(params, lr)
    with sdpa_kernel(SDPBackend.MATH):
        for forget, pseudo, remain in steps:
            grads = lur_gradient(
                model,
                kept,
                forget,
                pseudo,
                remain,
                alpha=alpha,
                order=order,
                remain_weight=remain_weight,
                target_at=target_at,
                remain_loss=remain_loss,
            )
            grads = clip(grads, clip_norm)
            adam.step(grads)
    return snapshot(params)
