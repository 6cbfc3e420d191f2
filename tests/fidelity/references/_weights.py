"""Weights and gradients by name, in the order of `model.named_parameters()`."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

Tensors = dict[str, Tensor]


def trainable(model: nn.Module, names: Iterable[str] | None = None) -> dict[str, nn.Parameter]:
    """Return the parameters that a method may move; only those in `names` where given."""
    wanted = None if names is None else set(names)
    return {
        name: parameter
        for name, parameter in model.named_parameters()
        if parameter.requires_grad and (wanted is None or name in wanted)
    }


def gradients(loss: Tensor, parameters: Tensors, *, create_graph: bool = False) -> Tensors:
    """Return ∂loss/∂θ of each parameter that the loss reaches; the others are absent."""
    slopes = torch.autograd.grad(
        loss, list(parameters.values()), allow_unused=True, retain_graph=True, create_graph=create_graph
    )
    return {name: slope for name, slope in zip(parameters, slopes, strict=True) if slope is not None}


def with_zeros(grads: Tensors, parameters: Tensors) -> Tensors:
    """Return the gradients of all parameters: zeros where one is absent."""
    return {name: grads.get(name, torch.zeros_like(p)).detach() for name, p in parameters.items()}


def combine(*terms: tuple[float, Tensors]) -> Tensors:
    """Return Σ_k w_k g_k, parameter by parameter; one is absent where all g_k lack it."""
    total: Tensors = {}
    for weight, grads in terms:
        for name, gradient in grads.items():
            part = weight * gradient
            total[name] = total[name] + part if name in total else part
    return total


def zeros_like(parameters: Tensors) -> Tensors:
    """Return zeros of the parameters' shapes."""
    return {name: torch.zeros_like(p) for name, p in parameters.items()}


def flat(tensors: Tensors) -> Tensor:
    """Return one long vector [P]: the tensors in their order, each row by row."""
    return torch.cat([t.detach().reshape(-1) for t in tensors.values()])


def split_like(vector: Tensor, tensors: Tensors) -> Tensors:
    """Return the pieces of a vector [P] in the shapes of these tensors: the inverse of `flat`."""
    pieces = vector.split([t.numel() for t in tensors.values()])
    return {name: piece.reshape(t.shape) for piece, (name, t) in zip(pieces, tensors.items(), strict=True)}


def add_to(parameters: Tensors, change: Tensors, factor: float = 1.0) -> None:
    """Set each parameter to itself + factor · change."""
    with torch.no_grad():
        for name, parameter in parameters.items():
            parameter.add_(change[name] * factor)
