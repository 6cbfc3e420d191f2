"""The second-order update of labels by LiSSA, with an explicitly built dense Hessian. Warnecke et al. 2023.

In this order:
 1. Difference vector v of the points (_label_points.py), over the LAST `tensors` trainable tensors.
 2. Dense Hessian of the cross-entropy, summed over the samples of each Hessian batch, by these tensors, in evaluation
    mode: one row per weight, by differentiating the entry of the gradient once more.
 3. LiSSA: u = v; repeat u ← v + (1 − damping) · u − H u / scale, H of batch 0, 1, 2, … in turn (cyclic). Stop after
    `iterations`, or when |new u − old u| has had no new minimum for `patience` iterations (None: never).
 4. w −= u / scale.
Limit of step 3 for one batch: u / scale = (H + damping · scale · I)⁻¹ v.

`data`: {"training": (inputs, clean labels), "hessian": [(inputs, labels), …]}, the batches with the labels that the
model was trained on.
`dense=True` leaves LiSSA out and solves with (H + damping · scale · I) of the first batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ._label_points import chosen_points, gradient_difference, last_tensors
from ._losses import cross_entropy_sum
from ._modes import evaluating
from ._samples import Batch
from ._weights import Tensors, add_to, flat, gradients, split_like, with_zeros


def dense_hessian(model: nn.Module, batch: Batch, parameters: Tensors) -> Tensor:
    """Return the second derivatives [P, P] of the summed cross-entropy of a batch, row by row."""
    x, y = batch
    rows = []
    with evaluating(model):
        first = gradients(cross_entropy_sum(model(x), y), parameters, create_graph=True)
        for name, parameter in parameters.items():
            for i in range(parameter.numel()):
                slope = first.get(name)
                second = {} if slope is None else gradients(slope.reshape(-1)[i], parameters)
                rows.append(flat(with_zeros(second, parameters)))
    return torch.stack(rows)


def lissa(
    v: Tensor,
    hessians: Sequence[Tensor],
    *,
    scale: float,
    damping: float,
    iterations: int,
    patience: int | None = 20,
) -> Tensor:
    """Return an estimate of (H + damping · scale · I)⁻¹ v: step 3 and the division by the scale."""
    u = v.clone()
    smallest, waited = float("inf"), 0
    for i in range(iterations):
        new = v + (1.0 - damping) * u - hessians[i % len(hessians)] @ u / scale
        moved = float((new - u).norm())
        u = new
        if moved < smallest:
            smallest, waited = moved, 0
        else:
            waited += 1
        if patience is not None and waited >= patience:
            break
    return u / scale


def reference(
    model: nn.Module,
    data: dict[str, Any],
    *,
    scale: float = 2e5,
    damping: float = 1e-4,
    iterations: int = 1000,
    patience: int | None = 20,
    dense: bool = False,
    tensors: int | None = 6,
    order: Sequence[int] | None = None,
    maximum: int = 1024,
) -> nn.Module:
    """Take one Newton step on the last tensors; the model is changed in place and returned."""
    points = chosen_points(model, data["training"], order=order, maximum=maximum)
    parameters = last_tensors(model, tensors)
    v = flat(gradient_difference(model, points, parameters))
    hessians = [dense_hessian(model, batch, parameters) for batch in data["hessian"]]
    if dense:
        damped = hessians[0] + damping * scale * torch.eye(len(v), dtype=v.dtype)
        step = torch.linalg.solve(damped, v)
    else:
        step = lissa(v, hessians, scale=scale, damping=damping, iterations=iterations, patience=patience)
    add_to(parameters, split_like(step, parameters), -1.0)
    return model
