"""GDR-GMA as the paper has it (Eq. 4–7, Algorithms 1 and 2) and as the released code does it.

Both gradients are to be DESCENDED: a = ∇(−CE(forget batch)), d = ∇CE(retain batch); they conflict when <a, d> < 0.
A step of both readings is (x_f, y_f, x_r, y_r). An epoch has as many steps as forget has batches. Each step is one
update of the optimizer along λ a' + (1−λ) d'. BatchNorm is in training mode in both forwards.

`reference_paper`, per step: two forwards in `forward_order`; gradients flattened over all parameters; J = the mean of
the bank's gradients b (the raw a of the PREVIOUS epoch, none in the first) with <d, b> < 0, d not yet rectified; if
<a, d> < 0: a' = a − <a,d>/|d|² d and d' = d − <a,d>/|a|² a, both from the original pair; if <d', J> < 0:
d' −= <d',J>/|J|² J; λ = 1/(1+exp(γ(|CE(retain batch) − L0| − ε))); update.
  initial_batches, initial_mode   (x, y) batches of retain for L0 = mean CE(θ0; retain), and the model's mode there
  forward_order                   "forget_first" (Algorithm 1) or "retain_first"

`reference_code`, per step: retain forward, forget forward, gradients. For every parameter tensor by itself: if
<a, d> < 0: d' = d − <a,d>/|a|² a, then a' = a − <a,d>/|d|² d' (the already rectified d', the old inner product and
norm). The bank holds the LAST tensor of a as it came, one entry a batch, first in first out; the present entry joins
before use. From the second epoch on the bank is read twice. Each read goes over the entries with <b, a'> < 0: the
others are added to the first of them IN PLACE, and the sum divided by their number is the result. The first read only
decides whether any entry conflicts and <a', J> < 0; the second J is projected out of a', the forget gradient.
λ = 1/(1+exp(γ(CE(retain batch) − ε))).
  bank_size                       ceil(|forget| / batch); None: the steps of the first epoch

Settings of both: gamma γ (100), epsilon ε (0.02), optimizer, learning_rates, and for the ablations
  rectify                         False leaves a and d of a step as they are; the bank stays
  forget_weight                   a number in place of λ; None: λ
  bank_tensors                    how many of the last tensors the bank covers; None in the paper: all. The paper's
                                  bank treats them as one vector, the code's each by itself
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ._losses import mean_loss, pair_losses
from ._modes import set_mode
from ._optimizers import Epochs, Rates, build, rate_at
from ._weights import Tensors, flat, gradients, split_like, trainable, with_zeros


def dot(u: Tensor, v: Tensor) -> Tensor:
    """Return <u, v> over all elements."""
    return (u * v).sum()


def without(u: Tensor, v: Tensor) -> Tensor:
    """Return u − <u,v>/|v|² v: u projected onto the plane orthogonal to v (Eq. 4)."""
    return u - dot(u, v) / dot(v, v) * v


def mixing(deviation: Tensor, gamma: float, epsilon: float) -> Tensor:
    """Return λ = 1/(1+exp(γ(Δ − ε)))."""
    return 1 / (1 + torch.exp(gamma * (deviation - epsilon)))


def both_gradients(losses: tuple[Tensor, Tensor], parameters: Tensors) -> tuple[Tensors, Tensors]:
    """Return a and d from the forget loss and the retain loss."""
    forget_loss, retain_loss = losses
    a, d = gradients(-forget_loss, parameters), gradients(retain_loss, parameters)
    return with_zeros(a, parameters), with_zeros(d, parameters)


def rectified(
    a: Tensor, d: Tensor, previous: list[Tensor], tail: int, rectify: bool
) -> tuple[Tensor, Tensor]:
    """Return a' and d' of Algorithm 1 from flat gradients [P]; the bank covers their last `tail` entries."""
    conflicting = [b for b in previous if dot(d[-tail:], b) < 0]
    a_new, d_new = (without(a, d), without(d, a)) if rectify and dot(a, d) < 0 else (a, d)
    if conflicting:
        joint = torch.stack(conflicting).mean(0)
        if dot(d_new[-tail:], joint) < 0:
            d_new = torch.cat([d_new[:-tail], without(d_new[-tail:], joint)])
    return a_new, d_new


def reference_paper(
    model: nn.Module,
    epochs: Epochs,
    *,
    initial_batches: list[Any],
    initial_mode: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    gamma: float = 100.0,
    epsilon: float = 0.02,
    forward_order: str = "forget_first",
    rectify: bool = True,
    forget_weight: float | None = None,
    bank_tensors: int | None = None,
) -> nn.Module:
    """Run the paper's algorithms, signs put right; the model is changed in place and returned."""
    initial_loss = mean_loss(model, initial_batches, initial_mode)
    parameters = trainable(model)
    update = build(parameters, optimizer)
    sizes = [p.numel() for p in parameters.values()]
    tail = sum(sizes if bank_tensors is None else sizes[-bank_tensors:])
    previous: list[Tensor] = []
    for epoch, steps in enumerate(epochs):
        current: list[Tensor] = []
        for number, step in enumerate(steps):
            set_mode(model, "train")
            losses = pair_losses(model, step, forward_order)
            a, d = (flat(grads) for grads in both_gradients(losses, parameters))
            current.append(a[-tail:])
            a_new, d_new = rectified(a, d, previous, tail, rectify)
            deviation = abs(losses[1].detach() - initial_loss)
            lam = mixing(deviation, gamma, epsilon) if forget_weight is None else forget_weight
            direction = split_like(lam * a_new + (1 - lam) * d_new, parameters)
            update.step(direction, rate_at(learning_rates, epoch, number))
        previous = current
    return model


def read(bank: list[Tensor], a_last: Tensor) -> Tensor | None:
    """Read the bank as released; with two or more entries chosen it changes the first of them."""
    chosen = [b for b in bank if dot(b, a_last) < 0]
    if not chosen:
        return None
    for other in chosen[1:]:
        chosen[0].add_(other)
    return chosen[0] / len(chosen)


def rectified_by_tensor(a: Tensors, d: Tensors) -> tuple[Tensors, Tensors]:
    """Return a' and d' as released, tensor by tensor."""
    a_new, d_new = dict(a), dict(d)
    for name in a:
        inner = dot(a[name], d[name])
        if inner < 0:
            d_new[name] = d[name] - inner / dot(a[name], a[name]) * a[name]
            a_new[name] = a[name] - inner / dot(d[name], d[name]) * d_new[name]
    return a_new, d_new


def reference_code(
    model: nn.Module,
    epochs: Epochs,
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    bank_size: int | None = None,
    gamma: float = 100.0,
    epsilon: float = 0.02,
    rectify: bool = True,
    forget_weight: float | None = None,
    bank_tensors: int = 1,
) -> nn.Module:
    """Run the released code; the model is changed in place and returned."""
    size = len(epochs[0]) if bank_size is None else bank_size
    parameters = trainable(model)
    update = build(parameters, optimizer)
    banks: dict[str, list[Tensor]] = {name: [] for name in list(parameters)[-bank_tensors:]}
    for epoch, steps in enumerate(epochs):
        for number, step in enumerate(steps):
            set_mode(model, "train")
            losses = pair_losses(model, step, "retain_first")
            raw, d = both_gradients(losses, parameters)
            a, d = rectified_by_tensor(raw, d) if rectify else (dict(raw), d)
            for name in banks:
                bank = banks[name] = [*banks[name], raw[name].clone()][-size:]
                if epoch >= 1:
                    first = read(bank, a[name])
                    if first is not None and dot(a[name], first) < 0:
                        a[name] = without(a[name], read(bank, a[name]))
            lam = mixing(losses[1].detach(), gamma, epsilon) if forget_weight is None else forget_weight
            mixed = {name: lam * a[name] + (1 - lam) * d[name] for name in parameters}
            update.step(mixed, rate_at(learning_rates, epoch, number))
    return model
