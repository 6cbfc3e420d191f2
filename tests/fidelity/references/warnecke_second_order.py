"""Warnecke et al., second-order update by LiSSA with an explicitly built dense Hessian. METHODS 2.21.

Order of operations:
 1. Points z, z~ and difference vector v = sum grad CE(z~) - sum grad CE(z) exactly as in the first-order
    file: eval mode, last 6 trainable tensors, predictions against clean labels.
 2. Dense Hessian of the cross-entropy of every Hessian batch w.r.t. those tensors, eval mode, one row per
    weight by differentiating the gradient entry once more.
 3. LiSSA: u = v; repeat u <- v + (1 - damping) * u - H u / scale, H of batch 0, 1, 2, ... in turn (cyclic).
    Stop after ``iterations``, or when |new u - old u| has found no new minimum for ``patience`` iterations
    running.
 4. w -= u / scale.
Limit of step 3 for one batch: u / scale = (H + damping * scale * I)^-1 v.

``data``: {"training": (inputs, clean labels), "hessian": [(inputs, labels), ...] batches (1,024) with the
labels the model was trained on}.

Left open by METHODS, arguments here: start value (``start`` "v" or "zero"); ``hessian_reduction`` "sum" (as
the difference vector sums) or "mean" over the batch; number of ``iterations``; the reading of ``patience``
given above (None: never stop early); the estimate used is the last one.
``dense=True`` skips LiSSA and solves with (H + damping * scale * I) of the first batch.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from .plain_parts import Batch, Tensors, add_to, cross_entropy, cross_entropy_sum, flat, split_like
from .warnecke_first_order import chosen_points, gradient_difference, last_tensors


def dense_hessian(model: nn.Module, batch: Batch, parameters: Tensors, reduction: str = "sum") -> Tensor:
    """Second derivatives of the cross-entropy of one batch, row by row, eval mode."""
    was_training = model.training
    model.eval()
    x, y = batch
    loss = {"sum": cross_entropy_sum, "mean": cross_entropy}[reduction](model(x), y)
    tensors = list(parameters.values())
    first = torch.autograd.grad(loss, tensors, create_graph=True, allow_unused=True)
    rows = []
    for p, g in zip(tensors, first, strict=True):
        for i in range(p.numel()):
            if g is None or not g.requires_grad:
                rows.append(torch.zeros(sum(t.numel() for t in tensors), dtype=p.dtype))
                continue
            second = torch.autograd.grad(g.reshape(-1)[i], tensors, retain_graph=True, allow_unused=True)
            rows.append(
                torch.cat(
                    [
                        torch.zeros(t.numel(), dtype=t.dtype) if s is None else s.reshape(-1)
                        for t, s in zip(tensors, second, strict=True)
                    ]
                )
            )
    model.train(was_training)
    return torch.stack(rows)


def lissa(
    v: Tensor,
    hessians: Sequence[Tensor],
    *,
    scale: float,
    damping: float,
    iterations: int,
    patience: int | None = 20,
    start: str = "v",
) -> Tensor:
    """Step 3 and the division by the scale: an estimate of (H + damping * scale * I)^-1 v."""
    u = v.clone() if start == "v" else torch.zeros_like(v)
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
    data: dict,
    *,
    scale: float = 2e5,
    damping: float = 1e-4,
    iterations: int = 1000,
    patience: int | None = 20,
    start: str = "v",
    hessian_reduction: str = "sum",
    dense: bool = False,
    tensors: int | None = 6,
    order: Sequence[int] | None = None,
    maximum: int = 1024,
    labels_of_z: Tensor | None = None,
) -> nn.Module:
    """Second-order update of the last tensors."""
    points = chosen_points(model, data["training"], order=order, maximum=maximum, labels_of_z=labels_of_z)
    parameters = last_tensors(model, tensors)
    v = flat(gradient_difference(model, points, parameters))
    hessians = [dense_hessian(model, batch, parameters, hessian_reduction) for batch in data["hessian"]]
    if dense:
        damped = hessians[0] + damping * scale * torch.eye(len(v), dtype=v.dtype)
        step = torch.linalg.solve(damped, v)
    else:
        step = lissa(
            v,
            hessians,
            scale=scale,
            damping=damping,
            iterations=iterations,
            patience=patience,
            start=start,
        )
    add_to(parameters, split_like(step, parameters), -1.0)
    return model
