"""Gradients as lists of tensors, one per parameter, and as one flat vector."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """Return the parameters that take a gradient, in the model's order."""
    return [p for p in model.parameters() if p.requires_grad]


def gradients(
    loss: Tensor, parameters: Sequence[Tensor], create_graph: bool = False, retain_graph: bool | None = None
) -> list[Tensor]:
    """Return ∂loss/∂parameter for each parameter; zeros where the loss does not depend on one.

    Args:
        loss: a scalar.
        parameters: tensors of its graph.
        create_graph: keep a graph of the result, so that it can be differentiated again.
        retain_graph: keep the graph of the loss, so that it can be differentiated again; by default as `create_graph`.
    """
    return list(
        torch.autograd.grad(
            loss,
            list(parameters),
            create_graph=create_graph,
            retain_graph=retain_graph,
            materialize_grads=True,
        )
    )


def flatten(tensors: Sequence[Tensor]) -> Tensor:
    """Return all entries as one vector [P]."""
    return torch.cat([t.reshape(-1) for t in tensors])


def unflatten(vector_P: Tensor, like: Sequence[Tensor]) -> list[Tensor]:
    """Return the vector cut into tensors of the shapes of `like`: the inverse of `flatten`."""
    sizes = [t.numel() for t in like]
    if sum(sizes) != vector_P.numel():
        raise ValueError(
            f"a vector of {vector_P.numel()} entries does not fill tensors of {sum(sizes)}; give one entry for each"
        )
    return [part.view_as(t) for part, t in zip(vector_P.split(sizes), like, strict=True)]


def clipped(gradients_: Sequence[Tensor], largest: float) -> Sequence[Tensor]:
    """Return gradients scaled down to a norm of all of them together, as torch's clip_grad_norm_; 0 does not clip."""
    if not largest:
        return gradients_
    total = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(g) for g in gradients_]))
    factor = (largest / (total + 1e-6)).clamp(max=1.0)
    return [g * factor for g in gradients_]
