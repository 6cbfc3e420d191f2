"""Linear layers with given values, put into a network."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def replace_linear(model: nn.Module, name: str, weight: Tensor, bias: Tensor | None) -> None:
    """Put a linear layer with exactly these values at the place `name`, in the mode of the layer there."""
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None, dtype=weight.dtype)
    with torch.no_grad():
        layer.weight.copy_(weight)
        if bias is not None:
            layer.bias.copy_(bias)
    parent, _, leaf = name.rpartition(".")
    layer.train(model.get_submodule(name).training)
    setattr(model.get_submodule(parent), leaf, layer)


def keep_rows(model: nn.Module, name: str, rows: list[int]) -> None:
    """Replace the linear layer at `name` by one with only these of its outputs."""
    layer = model.get_submodule(name)
    bias = None if layer.bias is None else layer.bias.detach()[rows].clone()
    replace_linear(model, name, layer.weight.detach()[rows].clone(), bias)
