"""GDR-GMA (METHODS 1.1, corrections 10 in section 7; paper: Eq. 4–7, Algorithms 1–2), paper and code.

Both gradients are to be DESCENDED: a = ∇(−CE(Bf)), d = ∇CE(Br); they conflict when <a, d> < 0.
Step of both readings: (x_f, y_f, x_r, y_r). An epoch has as many steps as Df has batches (zip of two
shuffled loaders stops at the shorter one). One optimizer update a step, along λ a' + (1−λ) d'.
BatchNorm: `mode` at both forwards ("train": running statistics see forget batches too).

`reference_paper`, per step: two forwards in `forward_order`; gradients flattened over all parameters; J =
mean of the bank's gradients b (the raw a of the PREVIOUS epoch, none in the first) with <d, b> < 0, d not
yet rectified; if <a, d> < 0: a' = a − <a,d>/|d|² d and d' = d − <a,d>/|a|² a, both from the original
pair; if <d', J> < 0: d' −= <d',J>/|J|² J; λ = 1/(1+exp(γ(|CE(Br) − L0| − ε))); update.
  initial_batches, initial_mode   (x, y) batches of Dr for L0 = mean CE(θ0; Dr), and the model's mode there
  forward_order                   "forget_first" (Algorithm 1) | "retain_first"
  Open in METHODS: η, optimizer, initial_mode, forward_order; bank entries are taken per batch.

`reference_code`, per step: retain forward and gradient, then forget forward and gradient. For every
parameter tensor by itself: if <a, d> < 0: d' = d − <a,d>/|a|² a, then a' = a − <a,d>/|d|² d' (the already
rectified d', the old inner product and norm). The bank holds the LAST tensor of a only, one entry a
batch, first in first out; the present entry joins before use. From the second epoch on the bank is read
twice, each read: over the entries with <b, a'> < 0, the first is added up with the others IN PLACE, and
the sum divided by their number is the result. The first read only decides whether any entry conflicts
and <a', J> < 0; the second J is projected out of a' (the forget gradient). λ = 1/(1+exp(γ(CE(Br) − ε))).
  bank_size    ceil(|Df| / batch); None: the steps of the first epoch
  bank_entry   "raw": a of the last tensor | "rectified": a'. METHODS does not say which; no default
Settings of both: gamma γ (100), epsilon ε (.02), optimizer, learning_rates, mode, and for the ablations
  rectify        False leaves a and d of a step as they are (the bank stays)
  forget_weight  a number in place of λ; None: λ
  bank_tensors   how many of the last tensors the bank covers; None in the paper: all. The paper's bank treats
                 them as one vector, the code's each by itself
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from . import optimizers
from .plain import Rates, cross_entropy, gradients, mean_loss, rate_at, set_mode, trainable

ORDERS = {"forget_first": ["forget", "retain"], "retain_first": ["retain", "forget"]}


def filled(grads: list[Tensor | None], parameters: list[nn.Parameter]) -> list[Tensor]:
    """Absent gradients as zeros."""
    return [torch.zeros_like(p) if g is None else g for g, p in zip(grads, parameters, strict=True)]


def flattened(grads: list[Tensor | None], parameters: list[nn.Parameter]) -> Tensor:
    """One vector of all gradients."""
    return torch.cat([g.flatten() for g in filled(grads, parameters)])


def dot(u: Tensor, v: Tensor) -> Tensor:
    """<u, v> over all elements."""
    return (u * v).sum()


def without(u: Tensor, v: Tensor) -> Tensor:
    """u − <u,v>/|v|² v: u projected onto the plane orthogonal to v (Eq. 4)."""
    return u - dot(u, v) / dot(v, v) * v


def mixing(deviation: Tensor, gamma: float, epsilon: float) -> Tensor:
    """λ = 1/(1+exp(γ(Δ − ε)))."""
    return 1 / (1 + torch.exp(gamma * (deviation - epsilon)))


def reference_paper(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    initial_batches: list[Any],
    initial_mode: str,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    gamma: float = 100.0,
    epsilon: float = 0.02,
    forward_order: str = "forget_first",
    mode: str = "train",
    rectify: bool = True,
    forget_weight: float | None = None,
    bank_tensors: int | None = None,
) -> nn.Module:
    """Algorithms 1 and 2 of the paper, signs put right; the model is changed in place and returned."""
    initial_loss = mean_loss(model, initial_batches, initial_mode)
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    covered = parameters if bank_tensors is None else parameters[-bank_tensors:]
    tail = sum(p.numel() for p in covered)
    previous: list[Tensor] = []
    for epoch, steps in enumerate(batches):
        current: list[Tensor] = []
        for index, (x_f, y_f, x_r, y_r) in enumerate(steps):
            set_mode(model, mode)
            given = {"forget": (x_f, y_f), "retain": (x_r, y_r)}
            loss = {w: cross_entropy(model(given[w][0]), given[w][1]) for w in ORDERS[forward_order]}
            a = flattened(gradients(-loss["forget"], parameters), parameters)
            d = flattened(gradients(loss["retain"], parameters), parameters)
            current.append(a[-tail:])
            conflicting = [b for b in previous if dot(d[-tail:], b) < 0]
            a_new, d_new = (without(a, d), without(d, a)) if rectify and dot(a, d) < 0 else (a, d)
            if conflicting:
                joint = torch.stack(conflicting).sum(0) / len(conflicting)
                if dot(d_new[-tail:], joint) < 0:
                    d_new = torch.cat([d_new[:-tail], without(d_new[-tail:], joint)])
            deviation = abs(loss["retain"].detach() - initial_loss)
            lam = mixing(deviation, gamma, epsilon) if forget_weight is None else forget_weight
            pieces = (lam * a_new + (1 - lam) * d_new).split([p.numel() for p in parameters])
            direction = [piece.reshape(p.shape) for piece, p in zip(pieces, parameters, strict=True)]
            update.step(direction, rate_at(learning_rates, epoch, index))
        previous = current
    return model


def read(bank: list[Tensor], a_last: Tensor) -> Tensor | None:
    """The released reading of the bank; with two or more entries chosen it changes the first of them."""
    chosen = [b for b in bank if dot(b, a_last) < 0]
    if not chosen:
        return None
    for other in chosen[1:]:
        chosen[0].add_(other)
    return chosen[0] / len(chosen)


def reference_code(
    model: nn.Module,
    batches: list[list[Any]],
    *,
    optimizer: dict[str, Any],
    learning_rates: Rates,
    bank_entry: str,
    bank_size: int | None = None,
    gamma: float = 100.0,
    epsilon: float = 0.02,
    mode: str = "train",
    rectify: bool = True,
    forget_weight: float | None = None,
    bank_tensors: int = 1,
) -> nn.Module:
    """The released code; the model is changed in place and returned."""
    size = len(batches[0]) if bank_size is None else bank_size
    parameters = trainable(model)
    update = optimizers.build(parameters, optimizer)
    banks: list[list[Tensor]] = [[] for _ in range(bank_tensors)]  # the last tensor's first
    for epoch, steps in enumerate(batches):
        for index, (x_f, y_f, x_r, y_r) in enumerate(steps):
            set_mode(model, mode)
            retain_loss = cross_entropy(model(x_r), y_r)
            d = filled(gradients(retain_loss, parameters), parameters)
            a = filled(gradients(-cross_entropy(model(x_f), y_f), parameters), parameters)
            raw = [g.clone() for g in a]
            for i in range(len(parameters)):
                inner = dot(a[i], d[i])
                if rectify and inner < 0:
                    d_new = d[i] - inner / dot(a[i], a[i]) * a[i]
                    a[i] = a[i] - inner / dot(d[i], d[i]) * d_new
                    d[i] = d_new
            for at in range(1, bank_tensors + 1):
                entry = {"raw": raw[-at], "rectified": a[-at].clone()}[bank_entry]
                bank = banks[at - 1] = [*banks[at - 1], entry][-size:]
                if epoch >= 1:
                    first = read(bank, a[-at])
                    if first is not None and dot(a[-at], first) < 0:
                        a[-at] = without(a[-at], read(bank, a[-at]))
            lam = mixing(retain_loss.detach(), gamma, epsilon) if forget_weight is None else forget_weight
            mixed: list[Tensor | None] = [lam * a_i + (1 - lam) * d_i for a_i, d_i in zip(a, d, strict=True)]
            update.step(mixed, rate_at(learning_rates, epoch, index))
    return model
